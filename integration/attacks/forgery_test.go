package attacks_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// forgeries: returns that somebody made up, or brings for another order.
func forgeries() []attack {
	everyone := []string{announced, silent, sama, script}
	all := []string{tolerant, strict, authority, believing}
	return []attack{
		{
			id: "A01", name: "invented_receipt", title: "a return with an invented id, which says paid", ours: everyone, plugins: all,
			run: func(x *trial) {
				order, id := x.order(50_000), x.invented()
				x.refused(x.send(x.stranger(), x.forged(id, order)))
				ret := x.forged(id, order)
				ret.Form["status"] = "100"
				x.refused(x.send(x.stranger(), ret))
				most := 0
				switch x.how {
				case announced:
					most = 1 // an inquiry, which settles nothing
				case silent:
					most = 2
				}
				x.ours(x.box.about(id) <= most, "the provider was asked %d times", x.box.about(id))
			},
		},
		{
			id: "A02", name: "genuine_id_never_paid", title: "a genuine id that was never paid, return edited to paid", ours: everyone, plugins: all,
			run: func(x *trial) {
				b := x.customer()
				order := x.order(50_000)
				id := x.begin(b, order)
				x.refused(x.send(b, x.forged(id, order)))
			},
		},
		{
			id: "A05", name: "receipt_of_another_order", title: "the receipt of one order with another of the same price (CVE-2026-2592)", ours: everyone, plugins: all,
			run: func(x *trial) { x.swap(x.customer()) },
		},
		{
			// Where the provider's answer names no order a site says `bind`: the
			// number in the shop's own return address must be the receipt's.
			id: "A06", name: "receipt_of_another_customer", title: "another customer's receipt, before that customer is back", ours: everyone, plugins: all,
			// Such a receipt, once asked for, is true and has come for another order: it
			// is held until it comes for its own.
			route: "bind invoice",
			run:   func(x *trial) { x.swap(x.stranger()) },
		},
		{
			id: "A09", name: "squatting", title: "a victim's id with wrong orders, before the victim is back",
			ours: everyone, plugins: all,
			run: func(x *trial) {
				id, order, ret := x.paid(x.customer(), 50_000)
				for _, wrong := range []string{"1", "A09-99", "A09-1x", "A09-100"} {
					p := x.send(x.stranger(), x.forged(id, wrong))
					x.ours(p.Status == http.StatusPaymentRequired || p.Status == http.StatusBadRequest || x.provider != sandbox.ProviderIDPay, "%d", p.Status)
				}
				x.ends(x.customer(), ret, order)
			},
		},
		{
			id: "A10", name: "asked_before_it_was_paid", title: "a victim's id, brought before the victim has paid", ours: everyone, plugins: []string{tolerant, strict, authority},
			run: func(x *trial) {
				b := x.customer()
				order := x.order(50_000)
				id := x.begin(b, order)
				x.refused(x.send(x.stranger(), x.forged(id, order)))
				x.ends(b, x.act(id, "pay"), order)
			},
		},
		{
			id: "A11", name: "receipt_of_another_merchant", title: "a payment that another merchant got", plugins: []string{tolerant, strict, believing},
			run: func(x *trial) {
				order := x.order(50_000)
				id := x.elsewhere(order, "X-API-KEY", strings.Replace(x.apiKey, "6a7f", "7b8e", 1))
				x.refused(x.send(x.stranger(), x.forged(id, order)))
				x.ours(len(x.runs()) == 0, "PHP ran")
			},
		},
		{
			// The environment is the configuration's alone.
			id: "A12", name: "sandbox_receipt", title: "a test payment, and parameters that ask for the test mode",
			run: func(x *trial) {
				order := x.order(50_000)
				id := x.elsewhere(order, "X-API-KEY", x.apiKey, "X-SANDBOX", "true")
				ret := x.forged(id, order)
				ret.URL += "&sandbox=1&test_ipn=1"
				x.refused(x.send(x.stranger(), ret, "X-SANDBOX", "true"))
			},
		},
		{
			id: "A13", name: "paid_tampered_to_failed", title: "a paid return edited to failed, then the true one",
			run: func(x *trial) {
				b := x.customer()
				id, order, ret := x.paid(b, 50_000)
				bad := x.forged(id, order)
				bad.Form["status"] = "7"
				x.refused(x.send(x.stranger(), bad))
				x.ours(x.box.about(id) == 0, "asked %d times for a return that says cancelled", x.box.about(id))
				x.status(x.come(b, ret), http.StatusOK)
				x.ours(x.credited(order) == 1, "credited %d times", x.credited(order))
			},
		},
		{
			id: "A16", name: "cart_enlarged", title: "the cart grows after the payment was made, a small real payment",
			// Announced: the shop compares, by the receipt. Silent: we do, by asking it.
			back: "/careful.php", route: "ack header", routes: map[string]string{silent: "expect lookup BOX/lookup/{order}"},
			run: func(x *trial) {
				b := x.customer()
				id, order, ret := x.paid(b, 50_000)
				x.price(order, 90_000)
				p := x.come(b, ret)
				if x.how == silent {
					x.status(p, http.StatusConflict)
				}
				x.waitState(id, order, "review", "parked")
			},
		},
	}
}

// swap presents the receipt of one order for another, and then for its own.
func (x *trial) swap(thief *harness.Browser) {
	x.Helper()
	b := x.customer()
	id, order, ret := x.paid(b, 50_000)
	wanted := x.order(50_000)
	x.begin(thief, wanted)
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		forged := x.forged(id, wanted)
		if method == http.MethodGet {
			forged = &sandbox.Return{Method: method, URL: x.site + x.query(forged, "")}
		}
		p := x.send(thief, forged)
		if x.provider == sandbox.ProviderIDPay {
			x.refused(p)
		}
	}
	if x.us && x.attack.route != "" && x.provider != sandbox.ProviderIDPay {
		x.waitState(id, order, "review")
	}
	x.ends(b, ret, order)
	x.ours(x.credited(wanted) == 0 && x.credited(order) == 1, "%+v", x.credits())
}

// elsewhere is a paid payment for an order's number that is not this shop's.
func (x *trial) elsewhere(order string, header ...string) string {
	x.Helper()
	body, _ := json.Marshal(map[string]any{"order_id": order, "amount": 50_000, "callback": x.site + x.back})
	req, err := http.NewRequest(http.MethodPost, x.boxURL+"/idpay/v1.1/payment", bytes.NewReader(body))
	if err != nil {
		x.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		x.Fatal(err)
	}
	defer res.Body.Close()
	var made struct{ ID string }
	if err := json.NewDecoder(res.Body).Decode(&made); err != nil || made.ID == "" {
		x.Fatalf("%s: %v", res.Status, err)
	}
	x.act(made.ID, "pay")
	return made.ID
}
