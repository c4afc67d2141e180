package returns_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// Where a relay's path has a secret in it, that stands in no log, page, list or dump,
// and reaches no shop: whatever is called below it, however the path is spelt, and
// though errors are logged and have pages of their own.
func TestARelaysSecretStandsNowhere(t *testing.T) {
	t.Parallel()
	const hidden = "Relay-canary-5dQ"
	w := newWorld(t, sandbox.Options{}, "")
	w.env = append(w.env, "RELAY_SECRET="+hidden)
	block := "log\npayments {\ntrack\nrelay /-/pay/{env.RELAY_SECRET} idpay\nobserve /back idpay\n}\nreverse_proxy SHOP\nhandle_errors {\nrespond \"{err.status_code} {err.message} {http.request.uri}\"\n}"
	site, shop := w.site(block)
	_, other := w.site(strings.ReplaceAll(block, "idpay", "24pal")) // two sites, one secret path
	w.start()
	base := site + "/-/pay/" + hidden
	create, _ := json.Marshal(map[string]any{"order_id": "1", "amount": 50_000, "callback": site + "/back"})
	for _, path := range []string{
		"", "/", "/idpay", "/idpay/", "/idpay/v1.1/payment", "/idpay/v1.1/payment/verify", "/idpay/v1.1/nothing", "/nobody/v1.1/payment", "/sama/api", "/idpay/v1.1/payment?track_id=abcdefgh", "/idpay/..",
		"/idpay/v1.1/payment/track_id=abcdefgh", "/%zz", "/idpay/p/ws/" + strings.Repeat("ab", 16),
	} {
		for _, at := range []string{base, site + "//-/pay/" + hidden, site + "/-//pay/" + hidden, site + "/./-/pay/" + hidden, site + "/-/pay/" + strings.ToLower(hidden), site + "/x/../-/pay/" + hidden, site + "/-/pay/%52" + hidden[1:], site + "/-/p%61y/" + hidden, site + "/%2d/pay/" + hidden, site + "/-%2Fpay/" + hidden} {
			for _, c := range []struct{ method, body, kind, key string }{
				{"GET", "", "", ""}, {"POST", string(create), "application/json", harness.APIKey}, {"POST", "{", "application/json", harness.APIKey}, {"POST", string(create), "application/json", "wrong"},
				{"POST", strings.Repeat("x", 70<<10), "application/json", harness.APIKey}, {"DELETE", "", "", ""},
			} {
				text := c.method + " " + strings.TrimPrefix(at+path, site) + " HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nContent-Length: " + strconv.Itoa(len(c.body)) + "\r\n"
				if c.kind != "" {
					text += "Content-Type: " + c.kind + "\r\nX-API-KEY: " + c.key + "\r\n"
				}
				if got := raw(t, site, text+"\r\n"+c.body); strings.Contains(strings.ToLower(got), strings.ToLower(hidden)) && !strings.HasPrefix(got, "HTTP/1.1 400") {
					t.Fatalf("%s %s is told the secret: %s", c.method, at+path, got)
				}
			}
		}
	}
	for _, s := range []*harness.Shop{shop, other} {
		for _, seen := range s.Seen() {
			if strings.Contains(strings.ToLower(seen.URI), strings.ToLower(hidden)) {
				t.Errorf("the shop is asked for %s", seen.URI)
			}
		}
	}
	for _, at := range []string{"/payments/list", "/payments/status", "/payments/doctor", "/metrics", "/config/"} {
		res, err := http.Get("http://" + w.Admin + at)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if strings.Contains(string(text), hidden) {
			t.Errorf("%s has the secret", at)
		}
	}
	if out, _ := w.Run("adapt", "--config", w.Config()); strings.Contains(out, hidden) {
		t.Error("caddy adapt has the secret")
	}
	harness.NewBrowser(t).Get(site + "/page")
	harness.Wait(t, "requests are logged", 10*time.Second, func() bool { return strings.Contains(w.Log(), `"uri":"/page"`) })
	if log := strings.ToLower(w.Log()); strings.Contains(log, strings.ToLower(hidden)) {
		at := strings.Index(log, strings.ToLower(hidden))
		t.Errorf("the log has the secret: %s", log[max(0, at-600):min(len(log), at+200)])
	}
}
