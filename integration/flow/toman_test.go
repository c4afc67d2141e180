package flow_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// blocks are the provider blocks of gateways that the common global options don't
// have; each has the name of its type.
var blocks = map[string]string{
	"nextpay": "api_key {env.API_KEY}",
	"payping": "token {env.API_KEY}",
	"poolam":  "api_key {env.API_KEY}",
	"vandar":  "api_key {env.API_KEY}",
}

// own is a global options block with one provider.
func own(boxURL, provider string) string {
	return strings.NewReplacer("NAME", provider, "SANDBOX", boxURL, "OPTIONS", blocks[provider]).Replace(`{
	admin {{admin}}
	auto_https off
	payments {
		storage badger ledger
		signing_key {env.SIGNING_KEY}
		provider NAME {
			OPTIONS
			base_url SANDBOX/NAME
		}
		affiliate hamekar {
			store_token {env.STORE_TOKEN}
			base_url SANDBOX/hamekar
		}
	}
}
`)
}

// back takes the browser from the bank to the shop, however the bank sends it.
func back(t *testing.T, b *harness.Browser, pay, action, method string) harness.Page {
	t.Helper()
	page := b.Post(pay, url.Values{"action": {action}})
	if method == "get" {
		return b.Get(page.Location(t))
	}
	target, fields := page.Form(t)
	if page = b.Post(target, fields); page.Status/100 != 3 {
		return page
	}
	return b.Get(page.Location(t))
}

// A customer is declined first, tries again and pays: one delivery, one verified
// payment, and the price in rials whatever the gateway counts in.
func TestDeclinedThenPaid(t *testing.T) {
	t.Parallel()
	for provider := range blocks {
		for _, method := range []string{"get", "post"} {
			t.Run(provider+"/"+method, func(t *testing.T) {
				t.Parallel()
				box, boxURL := harness.Sandbox(t, sandbox.Options{Return: method})
				shop, site := harness.NewShop(t), harness.Site(t)
				harness.Start(t, own(boxURL, provider)+checkoutSite(site, shop.URL, provider), harness.Environment()...)
				b := harness.NewBrowser(t)
				if p := b.Get(site + "/buy/mug"); p.Status != http.StatusOK {
					t.Fatalf("the confirm page: %d", p.Status)
				}
				pay := b.Post(site+"/buy/mug", nil).Location(t)
				if p := back(t, b, pay, "decline", method); p.Status != http.StatusPaymentRequired {
					t.Fatalf("a declined return: %d\n%s", p.Status, p.Body)
				}
				if n := len(shop.Told()); n != 0 {
					t.Fatalf("the shop was told %d times of a declined payment", n)
				}
				b = harness.NewBrowser(t)
				b.Get(site + "/buy/mug")
				pay = b.Post(site+"/buy/mug", nil).Location(t)
				if p := back(t, b, pay, "pay", method); p.Status != http.StatusOK || p.Body != "the shop answers" {
					t.Fatalf("the return: %d\n%s", p.Status, p.Body)
				}
				told := shop.Told()
				if len(told) != 1 {
					t.Fatalf("the shop was told %d times", len(told))
				}
				for name, want := range map[string]string{
					"X-Payment-Provider": provider, "X-Payment-Amount": "1200000", "X-Payment-Currency": "IRR",
					"X-Payment-Item": "mug", "X-Payment-Delivery": "1", "X-Payment-Via": "browser",
				} {
					if got := told[0].Header.Get(name); got != want {
						t.Errorf("%s: %q, want %q", name, got, want)
					}
				}
				settled := 0
				for _, p := range box.Ledger(provider, "", "").Payments {
					if p.Amount != 1_200_000 {
						t.Errorf("the gateway was told of %d rials", p.Amount)
					}
					if p.Settled == 1_200_000 && p.Verify.Calls == 1 {
						settled++
					}
				}
				if settled != 1 {
					t.Errorf("%d payments were settled by one call", settled)
				}
			})
		}
	}
}
