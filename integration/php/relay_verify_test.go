package php_test

import (
	"net/http"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// TestAckRelay: Caddy verifies, and the plugin behind the route asks once more, through the
// relay: it hears "first", once. What it answers counts only if it has heard that.
func TestAckRelay(t *testing.T) {
	w := newWorld(t, setup{
		payments: `relay /-/pay/{env.RELAY_SECRET} zarinpal
		verify /plugin.php zarinpal {
			expect intent
			ack relay
			refused redirect /cart?failed*
		}`,
		php: `env GATEWAY {{site}}/-/pay/relay-secret-canary-77/zarinpal
		env SHOP_ORIGIN {{site}}`,
		global: []string{"provider idpay {", zarinpalToo},
		env:    []string{"RELAY_SECRET=relay-secret-canary-77"},
	})
	back := func(id, action string) harness.Page {
		t.Helper()
		return harness.NewBrowser(t).Get(w.act(id, action).URL)
	}
	parked := func(id, reason string) {
		t.Helper()
		w.waitState(id, "parked")
		for _, p := range w.payments() {
			if p.ID == id {
				same(t, "it is parked, because", p.Reason, reason)
			}
		}
	}
	w.run("paid: it hears \"first\" from us, and a second look is no second one", func() {
		id := w.start("151")
		ret := w.act(id, "pay")
		same(t, "sent to", w.returns(ret), "/order-received/151")
		w.waitState(id, "delivered")
		if calls := w.truth(id).Verify.Calls; calls != 1 {
			t.Errorf("its provider was asked %d times", calls)
		}
		harness.NewBrowser(t).Get(ret.URL)
		if n := w.truth(id).Verify.Calls; n != 1 {
			t.Errorf("after a second look its provider was asked %d times", n)
		}
	})
	w.run("cancelled: the shop isn't asked", func() {
		id := w.start("152")
		if p := back(id, "cancel"); p.Status != http.StatusPaymentRequired {
			t.Errorf("%d\n%s", p.Status, p.Body)
		}
	})
	w.run("the provider's answer is lost", func() {
		id := w.start("153")
		ret := w.act(id, "pay")
		if _, err := w.box.SetFault(sandbox.Fault{Provider: "zarinpal", Operation: sandbox.OpVerify, Kind: "after", Count: 1}); err != nil {
			t.Fatal(err)
		}
		if p := harness.NewBrowser(t).Get(ret.URL); p.Status != http.StatusAccepted {
			t.Errorf("%d\n%s", p.Status, p.Body)
		}
		w.waitState(id, "verified")
		same(t, "sent to", w.returns(ret), "/order-received/153")
		w.waitState(id, "delivered")
	})
	w.run("it dies after it heard", func() {
		id := w.start("154")
		w.behave(map[string]any{"die": true})
		back(id, "pay")
		w.behave(nil)
		parked(id, "no_ack")
	})
	w.run("it asks for another amount, hears that, and refuses", func() {
		id := w.start("155")
		w.behave(map[string]any{"amount": 5000})
		back(id, "pay")
		w.behave(nil)
		parked(id, "shop_refused")
	})
	w.run("it never asks: its redirect proves nothing", func() {
		id := w.start("156")
		w.behave(map[string]any{"session": true})
		back(id, "pay")
		w.behave(nil)
		parked(id, "no_ack")
	})
	seen := map[string]int{}
	for _, order := range w.credits() {
		seen[order]++
	}
	for order, want := range map[string]int{"151": 1, "152": 0, "153": 1, "154": 1, "155": 0, "156": 0} {
		if seen[order] != want {
			t.Errorf("order %s was credited %d times", order, seen[order])
		}
	}
}
