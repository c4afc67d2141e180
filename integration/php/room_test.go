package php_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// A ledger without room: PHP has announced, and its answer is replaced by our 503,
// by either version of HTTP. The session that it began stays the browser's, and no
// payment page is reached.
func TestNoRoomForWhatPHPAnnounces(t *testing.T) {
	t.Parallel()
	const little, much = "storage badger ledger {\n\t\t\tmin_free 1MiB\n\t\t}", "storage badger ledger {\n\t\t\tmin_free 900TiB\n\t\t}"
	w := newWorld(t, setup{
		php: helperEnv(t), payments: "verify /callback.php idpay {\n\t\t\texpect intent\n\t\t}",
		servers: "\t\tprotocols h1 h2c", global: []string{"storage badger ledger", little},
	})
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	t.Cleanup(transport.CloseIdleConnections)
	h2 := harness.NewBrowser(t)
	h2.Client.Transport = transport
	browsers := map[string]*harness.Browser{"HTTP/1.1": harness.NewBrowser(t), "HTTP/2": h2}
	room := func(from, to string) {
		t.Helper()
		w.caddy.Write(strings.Replace(harness.ReadFile(t, w.caddy.Config()), from, to, 1))
		if err := w.caddy.Reload(); err != nil {
			t.Fatal(err)
		}
	}
	room(little, much)
	ids := make(map[string]string)
	for name, b := range browsers {
		ids[name] = w.create("idpay", name, 50000, w.site+"/callback.php")
		link := w.truth(ids[name]).PayLink
		w.behave(map[string]any{"headers": []string{"X-Payment-Order: " + name, "X-Payment-Amount: 50000", "Set-Cookie: PHPSESSID=abc; Path=/"}, "location": link})
		p := b.Get(w.site + "/index.php")
		if p.Status != http.StatusServiceUnavailable || p.Header.Get("Location") != "" || p.Header.Get("Retry-After") == "" || strings.Contains(p.Body, link) {
			t.Errorf("%s: status %d, %v", name, p.Status, p.Header)
		}
		if !strings.Contains(strings.Join(p.Header["Set-Cookie"], "\n"), "PHPSESSID=abc") {
			t.Errorf("%s: the shop's session is gone: %v", name, p.Header["Set-Cookie"])
		}
		for h := range p.Header {
			if strings.HasPrefix(harness.Fold(h), "X_PAYMENT") {
				t.Errorf("%s: %s reached the browser", name, h)
			}
		}
		w.forget()
	}
	w.behave(map[string]any{})
	room(much, little)
	for name, b := range browsers {
		id := w.create("idpay", name+" again", 50000, w.site+"/callback.php")
		w.announce(b, id, name+" again", "50000", "")
		if err := w.box.SetPaymentSettings(id, sandbox.Settings{Return: sandbox.ReturnGet}); err != nil {
			t.Fatal(err)
		}
		if p := w.come(b, w.act(id, "pay")); p.Status != http.StatusOK {
			t.Errorf("%s: status %d\n%s", name, p.Status, p.Body)
		}
	}
	same(t, "credits", len(w.credits()), 2)
}
