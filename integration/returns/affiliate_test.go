package returns_test

import (
	"fmt"
	"net/http"
	"slices"
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
	type visit struct {
		name, track, site string
		pay               bill
		shop              *harness.Shop
	}
	type start struct {
		name string
		link func(rw http.ResponseWriter, r *http.Request, b bill)
	}
	for verify, starts := range map[string][]start{
		"expect intent": {{"announced by the redirect", func(rw http.ResponseWriter, r *http.Request, b bill) {
			rw.Header().Set("X-Payment-Order", b.Order)
			rw.Header().Set("X-Payment-Amount", fmt.Sprint(b.Amount))
			http.Redirect(rw, r, b.Link, http.StatusFound)
		}},
			{"announced beside JSON", func(rw http.ResponseWriter, _ *http.Request, b bill) {
				rw.Header().Set("X-Payment-Order", b.Order)
				rw.Header().Set("X-Payment-Amount", fmt.Sprint(b.Amount))
				rw.Header().Set("X-Payment-Id", b.ID)
				rw.Header().Set("Content-Type", "application/json")
				_, _ = fmt.Fprintf(rw, `{"redirect":%q}`, b.Link)
			}}},
		"expect none": {{"a redirect that says nothing", func(rw http.ResponseWriter, r *http.Request, b bill) {
			http.Redirect(rw, r, b.Link, http.StatusFound)
		}}},
	} {
		t.Run(verify, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{Return: sandbox.ReturnPost}, "")
			var visits []*visit
			for _, c := range starts {
				order := fmt.Sprint(101 + len(visits))
				site, shop := w.plain("public_url SITE\ntrack /product/*\nverify /back idpay {\n" + verify + "\ndeliver idempotent\n}")
				v := &visit{name: c.name, track: "affiliate-of-" + order, site: site, shop: shop, pay: w.made("idpay", order, 50_000, site+"/back")}
				shop.SetAnswer(func(rw http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/pay" {
						c.link(rw, r, v.pay)
					}
				})
				visits = append(visits, v)
			}
			w.start()
			// All of them first: the worker waits a minute for a payment's browser.
			for _, v := range visits {
				b := harness.NewBrowser(t)
				b.Get(v.site + "/product/mug?track_id=" + v.track)
				b.Get(v.site + "/pay")
				ret := w.act(v.pay.ID, "pay")
				// Another browser: the cookies of the first are not there.
				p := come(harness.NewBrowser(t), ret)
				status(t, p, http.StatusOK)
				if _, fields := p.Form(t); fields.Get("payment_bounce") == "" {
					t.Fatalf("%s: no bounce: %s", v.name, clip(p.Body))
				}
			}
			for _, v := range visits {
				harness.Wait(t, "the worker delivers: "+v.name, 90*time.Second, func() bool { return w.record(v.pay.ID).State == "delivered" })
				if told := v.shop.Told(); len(told) != 1 || told[0].Header.Get("X-Payment-Track-Id") != v.track {
					t.Errorf("%s: the shop was told %d times, %+v", v.name, len(told), told)
				}
				harness.Wait(t, "the sale is reported: "+v.name, 30*time.Second, func() bool {
					return slices.ContainsFunc(w.box.Ledger("", "", "").Conversions, func(c sandbox.Conversion) bool { return c.TrackID == v.track })
				})
			}
			if n := len(w.box.Ledger("", "", "").Conversions); n != len(visits) {
				t.Errorf("%d sales were reported, want %d", n, len(visits))
			}
		})
	}
}
