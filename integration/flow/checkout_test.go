// Package flow_test runs the main job from end to end: capture, pay, return,
// verify, proxy with trusted headers, report the conversion.
package flow_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// checkoutSite sells one item through one provider, in front of a shop.
func checkoutSite(site, shop, provider string) string {
	return site + ` {
	payments {
		track /product/*
		checkout /buy ` + provider + ` {
			item mug 120000toman "A mug"
			return /thanks
		}
		verify /thanks ` + provider + `
	}
	reverse_proxy ` + shop + `
}
`
}

func TestCheckoutFromClickToConversion(t *testing.T) {
	t.Parallel()
	for _, provider := range []string{"idpay", "sama", "24pal", "invoice"} {
		for _, method := range []string{"get", "post"} {
			t.Run(provider+"/"+method, func(t *testing.T) {
				t.Parallel()
				box, boxURL := harness.Sandbox(t, sandbox.Options{Return: method})
				shop, site := harness.NewShop(t), harness.Site(t)
				harness.Start(t, harness.Global(boxURL)+checkoutSite(site, shop.URL, provider), harness.Environment()...)
				b := harness.NewBrowser(t)
				b.Get(site + "/product/mug?track_id=064ee72930404724974761b0b41e9e49")
				if p := b.Get(site + "/buy/mug"); p.Status != http.StatusOK {
					t.Fatalf("the confirm page: %d", p.Status)
				}
				pay := b.Post(site+"/buy/mug", nil).Location(t)
				back := b.Post(pay, url.Values{"action": {"pay"}})
				if method == "get" {
					back = b.Get(back.Location(t))
				} else {
					action, fields := back.Form(t)
					bounce := b.Post(action, fields)
					back = b.Get(bounce.Location(t))
				}
				if back.Status != http.StatusOK || back.Body != "the shop answers" {
					t.Fatalf("the return: %d\n%s", back.Status, back.Body)
				}
				told := shop.Told()
				if len(told) != 1 {
					t.Fatalf("the shop was told %d times", len(told))
				}
				for name, want := range map[string]string{
					"X-Payment-Provider": provider, "X-Payment-Amount": "1200000", "X-Payment-Currency": "IRR",
					"X-Payment-Item": "mug", "X-Payment-Delivery": "1", "X-Payment-Via": "browser",
					"X-Payment-Track-Id": "064ee72930404724974761b0b41e9e49",
				} {
					if got := told[0].Header.Get(name); got != want {
						t.Errorf("%s: %q, want %q", name, got, want)
					}
				}
				harness.Wait(t, "the conversion arrives", 30*time.Second, func() bool {
					return len(box.Ledger("", "", "").Conversions) == 1
				})
				ledger := box.Ledger("", "", "")
				if c := ledger.Conversions[0]; c.TrackID != "064ee72930404724974761b0b41e9e49" {
					t.Errorf("the conversion: %+v", c)
				}
				if v := ledger.Payments[0].Verify; v.Calls != 1 {
					t.Errorf("verify was called %d times", v.Calls)
				}
			})
		}
	}
}
