package flow_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// gatewayBlocks are providers that the harness' own global options don't have.
var gatewayBlocks = map[string]string{
	"zarinpal": "merchant_id {env.API_KEY}",
	"zarinpal in toman": `merchant_id {env.API_KEY}
			unit toman`,
	"vandar": "api_key {env.API_KEY}",
	"zibal":  "merchant {env.API_KEY}",
}

// TestGatewaysFromClickToDelivery buys through each gateway on a real Caddy: paid is
// delivered once, declined is not, and a second look at a paid return is no
// second delivery.
func TestGatewaysFromClickToDelivery(t *testing.T) {
	t.Parallel()
	for name, block := range gatewayBlocks {
		for _, method := range []string{"get", "post"} {
			t.Run(name+"/"+method, func(t *testing.T) {
				t.Parallel()
				gateway, _, _ := strings.Cut(name, " ")
				box, boxURL := harness.Sandbox(t, sandbox.Options{Return: method})
				shop, site := harness.NewShop(t), harness.Site(t)
				harness.Start(t, withGateway(boxURL, gateway, block)+checkoutSite(site, shop.URL, gateway), harness.Environment()...)

				back := buy(t, site, "decline")
				if back.Status == http.StatusOK && back.Body == "the shop answers" && len(shop.Told()) > 0 {
					t.Fatalf("declined and delivered: %s", back.Body)
				}
				if v := box.Ledger(gateway, "", "").Payments[0].Verify; v.Calls != 0 {
					t.Errorf("a documented \"not paid\" was asked about %d times", v.Calls)
				}
				back = buy(t, site, "pay")
				if back.Status != http.StatusOK || back.Body != "the shop answers" {
					t.Fatalf("the return: %d\n%s", back.Status, back.Body)
				}
				told := shop.Told()
				if len(told) != 1 {
					t.Fatalf("the shop was told %d times", len(told))
				}
				paid := box.Ledger(gateway, "", "").Payments[1]
				for header, want := range map[string]string{
					"X-Payment-Provider": gateway, "X-Payment-Amount": "1200000", "X-Payment-Currency": "IRR", "X-Payment-Item": "mug",
					"X-Payment-Delivery": "1", "X-Payment-Via": "browser", "X-Payment-Id": paid.ID, "X-Payment-Order": paid.Order,
				} {
					if got := told[0].Header.Get(header); got != want {
						t.Errorf("%s: %q, want %q", header, got, want)
					}
				}
				if paid.Verify.Calls != 1 || paid.Verify.First != 1 || paid.Settled != 1_200_000 {
					t.Errorf("the gateway: %+v", paid)
				}
			})
		}
	}
}

// withGateway is the harness' global options with one provider more.
func withGateway(boxURL, gateway, block string) string {
	const next = "\t\taffiliate"
	provider := "\t\tprovider " + gateway + " {\n\t\t\t" + block + "\n\t\t\tbase_url " + boxURL + "/" + gateway + "\n\t\t}\n"
	return strings.Replace(harness.Global(boxURL), next, provider+next, 1)
}

// buy goes to the bank, presses a button and comes back.
func buy(t *testing.T, site, action string) harness.Page {
	t.Helper()
	b := harness.NewBrowser(t)
	pay := b.Post(site+"/buy/mug", nil).Location(t)
	back := b.Post(pay, url.Values{"action": {action}})
	if back.Status == http.StatusSeeOther {
		return b.Get(back.Location(t))
	}
	address, fields := back.Form(t)
	bounce := b.Post(address, fields)
	if bounce.Status == http.StatusSeeOther {
		return b.Get(bounce.Location(t))
	}
	return bounce
}

// TestGatewaysAnswerLost: the gateway settles, and its answer never arrives. The next
// question is answered "verified before", which our first explains.
func TestGatewaysAnswerLost(t *testing.T) {
	t.Parallel()
	for name, block := range gatewayBlocks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gateway, _, _ := strings.Cut(name, " ")
			box, boxURL := harness.Sandbox(t, sandbox.Options{})
			shop, site := harness.NewShop(t), harness.Site(t)
			harness.Start(t, withGateway(boxURL, gateway, block)+checkoutSite(site, shop.URL, gateway), harness.Environment()...)
			if _, err := box.SetFault(sandbox.Fault{Kind: "reset", When: "after", Operation: sandbox.OpVerify, Count: 1}); err != nil {
				t.Fatal(err)
			}
			b := harness.NewBrowser(t)
			back := b.Post(b.Post(site+"/buy/mug", nil).Location(t), url.Values{"action": {"pay"}}).Location(t)
			if p := b.Get(back); p.Status != http.StatusAccepted || len(shop.Told()) != 0 {
				t.Fatalf("unanswered: %d", p.Status)
			}
			harness.Wait(t, "the delivery", 60*time.Second, func() bool {
				b.Get(back) // as the waiting page does
				return len(shop.Told()) == 1
			})
			paid := box.Ledger(gateway, "", "").Payments[0]
			if paid.Verify.First != 1 || paid.Verify.Again != 1 || shop.Told()[0].Header.Get("X-Payment-Id") != paid.ID {
				t.Errorf("the gateway: %+v", paid)
			}
		})
	}
}
