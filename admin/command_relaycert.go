package admin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"github.com/rahgir/caddy-payments/admin/begin"
	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/payment"
)

// relayCertYears is how long a relay's certificate is good.
const relayCertYears = 5

// relayCertNext is what to do with the files.
const relayCertNext = `
Into the hosts file of the shop's PHP:
  <this machine's public address> %[2]s

Into the Caddyfile, beside the shop's site (Caddy's user must be able to read the key):
  %[3]s {
  	tls %[4]s %[5]s
  	payment_relay %[1]s
  }

PHP must trust relay.crt, and the ` + "`provider`" + ` block needs ` + "`resolver`" + `: docs/relay.md.
`

// absolute is a file's name as another process finds it.
func absolute(name string) string {
	if abs, err := filepath.Abs(name); err == nil {
		return abs
	}
	return name
}

func (c *cli) relayCertCommand() *cobra.Command {
	cmd := c.leaf("relay-cert PROVIDER", "Makes the certificate with which a relay stands in a provider's place",
		`
Writes relay.crt and relay.key: one self-signed certificate for exactly the hosts
of a provider, good for five years. It is no CA: who trusts it trusts it for these
names and for nothing else. Give relay.crt to the shop's PHP (curl.cainfo,
openssl.cafile), and both files to the relay's site:

    tls relay.crt relay.key

PROVIDER is the type, as `+"`provider <type>`"+` has it. Files that exist are left alone.`,
		exactly(1, "the type of a provider, such as those of `caddy list-modules`"), c.relayCert)
	cmd.Flags().String("dir", ".", "Directory to write into")
	return c.changes(c.complete(cmd, among(relayable()...), nil))
}

// relayable are the types of providers that a relay can serve.
func relayable() []string {
	types := slices.DeleteFunc(begin.Gateways(false), func(name string) bool { return !begin.Relays(name) })
	slices.Sort(types)
	return types
}

func (c *cli) relayCert(cmd *cobra.Command, args []string) error {
	if !slices.Contains(relayable(), args[0]) {
		return usage("there is no provider of type %q that can be relayed; %s", args[0], block.Suggest(args[0], relayable()))
	}
	info, err := caddy.GetModule("payments.providers." + args[0])
	if err != nil {
		return fmt.Errorf("finding the provider: %w", err)
	}
	hosts := info.New().(payment.Relayer).Dialect().Hosts //nolint:forcetypeassert // relayable has looked
	dir, _ := cmd.Flags().GetString("dir")
	crt, key := filepath.Join(dir, "relay.crt"), filepath.Join(dir, "relay.key")
	for _, name := range []string{crt, key} {
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s exists: move it away first, or give another --dir", name)
		}
	}
	if c.dryRun {
		fmt.Fprintf(c.out, "would write %s and %s for %s\n", crt, key, strings.Join(hosts, ", "))
		return nil
	}
	certPEM, keyPEM, err := makeRelayCert(hosts, time.Now())
	if err != nil {
		return err
	}
	err = begin.WriteNew(key, keyPEM, 0o600)
	if err == nil {
		err = begin.WriteNew(crt, certPEM, 0o644)
	}
	if err != nil {
		return fmt.Errorf("writing the certificate: %w", err)
	}
	fmt.Fprintf(c.out, "%s and %s: for %s, until %s\n", crt, key, strings.Join(hosts, ", "), time.Now().AddDate(relayCertYears, 0, 0).Format(time.DateOnly))
	fmt.Fprintf(c.out, relayCertNext, args[0], strings.Join(hosts, " "), "https://"+strings.Join(hosts, ", https://"), absolute(crt), absolute(key))
	return nil
}

// makeRelayCert makes an end-entity certificate that signs itself. It names no key
// usage: OpenSSL takes a certificate that may not sign certificates for one that
// hasn't signed itself, and then looks for its issuer in vain.
func makeRelayCert(hosts []string, now time.Time) (certPEM, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("making a key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, fmt.Errorf("making a serial number: %w", err)
	}
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "payment relay"}, DNSNames: hosts,
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(relayCertYears, 0, 0),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, nil, fmt.Errorf("making the certificate: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("writing the key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), nil
}
