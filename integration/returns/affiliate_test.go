package returns_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// A bank's cross-site POST brings no cookie, and the browser may never make the
// second request that would: whose visitor it was is known from the way to the
// bank, and is reported all the same.
func TestTheAffiliateOfAPostThatEndsThere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		verify string
		start  func(rw http.ResponseWriter, r *http.Request, b bill)
	}{
		"announced by the redirect": {"expect intent", func(rw http.ResponseWriter, r *http.Request, b bill) {
			rw.Header().Set("X-Payment-Order", b.Order)
			rw.Header().Set("X-Payment-Amount", fmt.Sprint(b.Amount))
			http.Redirect(rw, r, b.Link, http.StatusFound)
		}},
		"announced beside JSON": {"expect intent", func(rw http.ResponseWriter, _ *http.Request, b bill) {
			rw.Header().Set("X-Payment-Order", b.Order)
			rw.Header().Set("X-Payment-Amount", fmt.Sprint(b.Amount))
			rw.Header().Set("X-Payment-Id", b.ID)
			rw.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(rw, `{"redirect":%q}`, b.Link)
		}},
		"a redirect that says nothing": {"expect none", func(rw http.ResponseWriter, r *http.Request, b bill) {
			http.Redirect(rw, r, b.Link, http.StatusFound)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{Return: sandbox.ReturnPost}, "")
			site, shop := w.plain("track /product/*\nverify /back idpay {\n" + c.verify + "\ndeliver idempotent\n}")
			w.start()
			pay := w.made("idpay", "101", 50_000, site+"/back")
			shop.SetAnswer(func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/pay" {
					c.start(rw, r, pay)
				}
			})
			b := harness.NewBrowser(t)
			b.Get(site + "/product/mug?track_id=affiliate-of-a-post")
			b.Get(site + "/pay")
			ret := w.act(pay.ID, "pay")
			// Another browser: the cookies of the first are not there.
			p := come(harness.NewBrowser(t), ret)
			status(t, p, http.StatusOK)
			if _, fields := p.Form(t); fields.Get("payment_bounce") == "" {
				t.Fatalf("no bounce: %s", clip(p.Body))
			}
			harness.Wait(t, "the worker delivers", 90*time.Second, func() bool { return w.record(pay.ID).State == "delivered" })
			if id := shop.Told()[0].Header.Get("X-Payment-Track-Id"); id != "affiliate-of-a-post" {
				t.Errorf("the shop was told of the affiliate %q", id)
			}
			harness.Wait(t, "the sale is reported", 30*time.Second, func() bool {
				all := w.box.Ledger("", "", "").Conversions
				return len(all) == 1 && all[0].TrackID == "affiliate-of-a-post"
			})
		})
	}
}
