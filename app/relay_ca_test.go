package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// ownCert writes a certificate of one's own for some names.
func ownCert(t *testing.T, names ...string) (crt, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: names, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	crt, key = filepath.Join(dir, "relay.crt"), filepath.Join(dir, "relay.key")
	for name, block := range map[string]*pem.Block{crt: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return crt, key
}

// A provider's name is no name of the owner's: no public CA is ever asked for its
// certificate, whatever the relay there serves and however the site is named. What brings a
// certificate of its own, or needs none, is taken.
func TestNoCAIsAskedForAProvidersName(t *testing.T) {
	t.Setenv("IDPAY_KEY", "6a7f99eb-7c20-4412-a972-6dfb7cd253a4")
	crt, key := ownCert(t, "payment.zarinpal.com", "sandbox.zarinpal.com")
	files := "tls " + crt + " " + key
	for name, c := range map[string]struct {
		global, site, tls, relay string
		refused                  bool
	}{
		"the first host":               {"", "https://payment.zarinpal.com", "", "payment_relay zarinpal", true},
		"the last host":                {"", "https://sandbox.zarinpal.com", "", "payment_relay zarinpal", true},
		"in capitals":                  {"", "https://Payment.Zarinpal.COM", "", "payment_relay zarinpal", true},
		"at another port":              {"", "https://payment.zarinpal.com:8443", "", "payment_relay zarinpal", true},
		"without a scheme":             {"", "payment.zarinpal.com", "", "payment_relay zarinpal", true},
		"beside the shop's own":        {"", "https://shop.example.com, https://www.zarinpal.com", "", "payment_relay zarinpal", true},
		"a wildcard over it":           {"", "https://*.zarinpal.com", "", "payment_relay zarinpal", true},
		"a relay of all providers":     {"", "https://payment.zarinpal.com", "", "payment_relay", true},
		"a relay of two":               {"", "https://api.idpay.ir", "", "payment_relay zarinpal idpay", true},
		"this machine's own CA":        {"", "https://payment.zarinpal.com", "tls internal", "payment_relay zarinpal", false},
		"a wildcard, its own CA":       {"", "https://*.zarinpal.com", "tls internal", "payment_relay zarinpal", false},
		"a certificate of one's own":   {"", "https://payment.zarinpal.com, https://sandbox.zarinpal.com", files, "payment_relay zarinpal", false},
		"a certificate of another":     {"", "https://payment.zarinpal.com, https://www.zarinpal.com", files, "payment_relay zarinpal", true},
		"no TLS":                       {"", "http://payment.zarinpal.com", "", "payment_relay zarinpal", false},
		"no TLS, at another port":      {"", "http://payment.zarinpal.com:9180", "", "payment_relay zarinpal", false},
		"nothing is got by itself":     {"auto_https off", "https://payment.zarinpal.com", "", "payment_relay zarinpal", false},
		"no certificates are":          {"auto_https disable_certs", "https://payment.zarinpal.com", "", "payment_relay zarinpal", false},
		"a listener of its own":        {"", "http://127.0.0.1:9180", "", "payment_relay", false},
		"the shop's own name":          {"", "https://shop.example.com", "", "payment_relay", false},
		"a name that only ends so":     {"", "https://notzarinpal.com", "", "payment_relay zarinpal", false},
		"a wildcard below":             {"", "https://*.payment.zarinpal.com", "", "payment_relay zarinpal", false},
		"another provider's, not here": {"", "https://api.idpay.ir", "", "payment_relay zarinpal", false},
	} {
		t.Run(name, func(t *testing.T) {
			err := caddy.Validate(adapted(t, "{\n"+c.global+"\npayments {\nprovider zarinpal {\nmerchant_id {env.IDPAY_KEY}\n}\nprovider idpay {\napi_key {env.IDPAY_KEY}\n}\n}\n}\n"+c.site+" {\n"+c.tls+"\n"+c.relay+"\n}\n"))
			if (err != nil) != c.refused || c.refused && !strings.Contains(err.Error(), "caddy payments relay-cert") {
				t.Errorf("%v", err)
			}
		})
	}
}
