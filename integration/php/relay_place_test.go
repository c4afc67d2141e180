package php_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
)

// relayCert makes the certificate with the command that owners use.
func relayCert(t *testing.T, dir string) {
	t.Helper()
	out, err := exec.Command(harness.Usual(t), "payments", "relay-cert", "zarinpal", "--dir", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	info, err := os.Stat(filepath.Join(dir, "relay.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key is open to others: %v %v", info.Mode(), err)
	}
	if out, err := exec.Command(harness.Usual(t), "payments", "relay-cert", "zarinpal", "--dir", dir).CombinedOutput(); err == nil || !bytes.Contains(out, []byte("exists")) {
		t.Errorf("it writes over what is there: %s", out)
	}
}

// TestRelayInPlace: the plugin's address is the provider's own, its name leads to us,
// and the only certificate that PHP trusts besides is the one for these names.
func TestRelayInPlace(t *testing.T) {
	certs := t.TempDir()
	relayCert(t, certs)
	port := strconv.Itoa(harness.Port(t))
	w := newWorld(t, setup{
		payments: "observe /plugin.php zarinpal",
		php: `env GATEWAY https://payment.zarinpal.com:` + port + `
		env GATEWAY_AT payment.zarinpal.com:` + port + `:127.0.0.1
		env GATEWAY_CA ` + certs + `/relay.crt
		env SHOP_ORIGIN {{site}}`,
		global: []string{"provider idpay {", "provider zarinpal {\n\t\t\tmerchant_id {env.API_KEY}\n\t\t\tbase_url {{box}}/zarinpal\n\t\t}\n\t\tprovider idpay {"},
		after: `}
https://payment.zarinpal.com:` + port + `, https://api.zarinpal.com:` + port + `, https://www.zarinpal.com:` + port + ` {
	tls ` + certs + `/relay.crt ` + certs + `/relay.key
	payment_relay zarinpal
`,
	})
	id := w.start("401")
	if to := w.returns(w.act(id, "pay")); to != "/order-received/401" {
		t.Error("the customer was sent to", to)
	}
	w.waitState(id, "delivered")
	if got := w.credits(); len(got) != 1 || got[0] != "401" {
		t.Error("credits:", got)
	}
	w.neighbour(certs+"/relay.crt", port)
	w.says("relay_cert", "zarinpal", "ok: ", "is good until")
	w.says("relay_hosts", "zarinpal", "hosts file")
}

// neighbour is another shop of this machine, whose account is no block of ours: its call
// goes on untouched, and nothing of it is on record.
func (w *world) neighbour(cert, port string) {
	w.t.Helper()
	pem, err := os.ReadFile(cert)
	if err != nil {
		w.t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: trusted},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
		},
	}}
	defer client.CloseIdleConnections()
	res, err := client.Post("https://payment.zarinpal.com:"+port+"/pg/v4/payment/request.json", "application/json",
		strings.NewReader(`{"merchant_id":"`+strings.Repeat("b", 36)+`","amount":70000,"callback_url":"https://neighbour.test/back","description":"x"}`))
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK || !strings.Contains(string(text), `"authority"`) {
		w.t.Errorf("a neighbour's create: %d %s", res.StatusCode, text)
	}
	for _, p := range w.payments() {
		if p.Order != "401" {
			w.t.Errorf("a neighbour's payment is on record: %+v", p)
		}
	}
	w.says("relay_stranger", "zarinpal", "another shop's")
}

// A provider's name is no name of the owner's: no public CA is ever asked for its
// certificate.
func TestRelayAsksNoCA(t *testing.T) {
	certs := t.TempDir()
	relayCert(t, certs)
	port := strconv.Itoa(harness.Port(t))
	site := func(address, tls string) string {
		return `{
	admin {{admin}}
	payments {
		storage badger ledger
		provider zarinpal {
			merchant_id {env.API_KEY}
		}
	}
}
` + address + ` {
	` + tls + `
	payment_relay zarinpal
}
`
	}
	for _, c := range []struct {
		address, tls string
		refused      bool
	}{
		{"https://payment.zarinpal.com:" + port, "", true},
		{"https://sandbox.zarinpal.com:" + port, "", true},
		{"https://shop.example.com:" + port + ", https://www.zarinpal.com:" + port, "", true},
		{"https://payment.zarinpal.com:" + port, "tls internal", false},
		{"https://sandbox.zarinpal.com:" + port, "tls " + certs + "/relay.crt " + certs + "/relay.key", false},
		{"http://payment.zarinpal.com:" + port, "", false},
	} {
		caddy := harness.New(t, site(c.address, c.tls), harness.Environment()...)
		cmd := exec.Command(harness.Usual(t), "validate", "--adapter", "caddyfile", "--config", caddy.Config())
		cmd.Env = append(os.Environ(), harness.Environment()...)
		cmd.Env = append(cmd.Env, "XDG_DATA_HOME="+caddy.Dir, "XDG_CONFIG_HOME="+caddy.Dir, "HOME="+caddy.Dir)
		out, err := cmd.CombinedOutput()
		if (err != nil) != c.refused || c.refused && !strings.Contains(string(out), "relay-cert") {
			t.Errorf("%s, %q: %v\n%s", c.address, c.tls, err, out)
		}
	}
}
