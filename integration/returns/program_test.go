package returns_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// A program may look at a customer's link first (a preview, a mail's check). It is told in
// JSON that the payment is being confirmed, and the customer is handed over in person after
// it, also where nobody is without a browser.
func TestAProgramBeforeItsBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain("verify /back idpay {\nexpect intent\nabsent park\n}")
	keep := &keeper{w: w, provider: "idpay", callback: site + "/back"}
	shop.SetAnswer(keep.ServeHTTP)
	w.start()
	for i, accept := range []string{"application/json", "application/problem+json", "text/plain", "image/avif,image/webp", "application/xml", "text/css;q=0.1"} {
		b := harness.NewBrowser(t)
		id, _ := begin(t, b, site, string(rune('1'+i)), 50_000)
		ret := w.act(id, "pay")
		for range 2 {
			p := come(harness.NewBrowser(t), ret, "Accept", accept, "User-Agent", "Mozilla/5.0 (compatible; preview)")
			status(t, p, http.StatusAccepted)
			if kind := p.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/problem+json") || !strings.Contains(p.Body, "answers.md#confirming") {
				t.Errorf("%s: %s %s", accept, kind, p.Body)
			}
		}
		if n := len(shop.Told()); n != i {
			t.Errorf("%s: told %d times before the browser came", accept, n)
		}
		status(t, come(b, ret), http.StatusOK)
		told := shop.Told()
		if len(told) != i+1 || told[i].Header.Get("X-Payment-Via") != "browser" || w.record(id).State != "delivered" {
			t.Errorf("%s: told %d times, %s", accept, len(told), w.record(id).State)
		}
	}
}
