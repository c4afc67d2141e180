package attacks_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// amounts: numbers and texts that are not what they look like.
func amounts() []attack {
	return []attack{
		{
			id: "A17", name: "callback_amount_edited", title: "the return's amount edited, the provider's is true",
			run: func(x *trial) {
				b := x.customer()
				for _, amount := range []string{"1", "5000000"} {
					_, order, ret := x.paid(b, 50_000)
					ret.Form["amount"] = amount
					x.come(b, ret)
					ret.Form["amount"] = "50000"
					x.come(b, ret)
					x.ours(x.credited(order) == 1 && x.credits()[len(x.credits())-1].Amount == 50_000, "%+v", x.credits())
				}
			},
		},
		{
			// A silent shop says no price: it compares by itself (A16).
			id: "A18", name: "provider_amount_differs", title: "the provider confirms a rial less, ten times, a tenth", ours: []string{announced, script}, plugins: []string{tolerant, strict},
			run: func(x *trial) {
				b := x.customer()
				for _, f := range []sandbox.Fault{{Delta: -1, Factor: 1}, {Factor: 10}, {Factor: 0.1}} {
					id, order, ret := x.paid(b, 50_000)
					f.Kind, f.Operation, f.Payment, f.Count = "wrong_amount", "verify", id, 1
					x.fault(f)
					x.come(b, ret)
					x.waitState(id, order, "review")
					x.ours(x.credited(order) == 0, "%+v", x.credits())
				}
			},
		},
		{
			id: "A19", name: "amounts_that_are_no_numbers", title: "amounts such as 5e4, 0xC350, +50000, 2^63, in the return and in the provider's answer", plugins: []string{tolerant, strict},
			ours: []string{announced},
			run: func(x *trial) {
				b := x.customer()
				_, order, ret := x.paid(b, 50_000)
				for _, amount := range []string{"5e4", "0xC350", "50000.0", " 50000", "+50000", "-1", "00050000", "9223372036854775808", "1000000000000000000000000000000"} {
					bad := *ret
					bad.Form = map[string]string{}
					maps.Copy(bad.Form, ret.Form)
					bad.Form["amount"] = amount
					p := x.send(b, &bad)
					x.ours(p.Status == http.StatusOK || p.Status == http.StatusBadRequest, "%s: %d", amount, p.Status)
				}
				x.come(b, ret)
				x.ours(x.credited(order) == 1 && x.credits()[0].Amount == 50_000, "%+v", x.credits())
				for _, amount := range []string{`"0xC350"`, `"-50000"`, `"9223372036854775808"`, `1e30`} {
					_, order, ret := x.paid(b, 50_000)
					x.box.rewrite(`"amount":"50000"`, `"amount":`+amount)
					x.come(b, ret)
					x.ours(x.credited(order) == 0, "%s: %+v", amount, x.credits())
					x.box.instead(nil)
					x.ends(b, ret, order)
				}
			},
		},
		{
			id: "A20", name: "digits_and_marks_of_other_scripts", title: "Persian, Arabic and full-width digits, zero-width and direction marks in id and order",
			run: func(x *trial) {
				// In the customer's own browser a cookie of ours names the payment.
				b := x.stranger()
				id, order, _ := x.paid(x.customer(), 50_000)
				for _, bad := range []string{"۱۲۳۴۵۶۷۸", id + "\u200b", "\u200f" + id, "１" + id[1:]} {
					x.refused(x.send(b, x.forged(bad, order)))
				}
				x.ours(x.credited(order) == 0 && x.box.about(`"`+id+`"`, `"`+order+`"`) == 0, "%+v", x.credits())
				for _, bad := range []string{order + "\u200c", "A20-١", "A20-۱", "\u202e" + order} {
					// Whatever is known of the id, a stranger is told nothing of it.
					x.refused(x.send(b, x.forged(id, bad)))
				}
				x.ours(x.credited(order) <= 1, "%+v", x.credits())
			},
		},
		{
			id: "A21", name: "control_characters_and_bad_encodings", title: "NUL, CR LF, a megabyte, invalid UTF-8, escapes twice",
			run: func(x *trial) {
				b := x.stranger()
				id, order, _ := x.paid(x.customer(), 50_000)
				good := "status=10&id=" + id + "&order_id=" + order
				for _, query := range []string{
					"status=10&id=" + id + "%00&order_id=" + order, "status=10&id=" + id + "&order_id=" + order + "%00", "status=10%0a&id=" + id + "&order_id=" + order,
					"status=10&id=" + id + "&order_id=" + order + "%0d%0aX-Payment-Status:%20" + smuggled, "status=10&id=" + id + "&order_id=%ff%fe", "status=10&id=" + id + "&order_id=%c0%ae",
					"status=10&id=" + id + "&order_id=%zz", "status=10&id=" + id + "&order_id=" + order + "%", "status=10&id=%25" + id + "&order_id=" + order,
				} {
					x.refused(x.get(b, x.back+"?"+query))
				}
				x.large(b, good)
				x.ours(len(x.runs()) == 0 && x.box.about(id) == 0, "PHP ran %d times, asked %d times", len(x.runs()), x.box.about(id))
			},
		},
		{
			// There is one currency: rials. No parameter changes it.
			id: "A22", name: "currency", title: "another currency in the return",
			run: func(x *trial) {
				b := x.customer()
				_, order, ret := x.paid(b, 50_000)
				ret.Form["currency"], ret.Form["unit"] = "USD", "toman"
				x.status(x.come(b, ret), http.StatusOK)
				if !x.us {
					return
				}
				runs := x.runs()
				x.ours(len(runs) == 1 && runs[0].text("HTTP_X_PAYMENT_CURRENCY") == "IRR" && runs[0].text("HTTP_X_PAYMENT_AMOUNT") == "50000", "%d runs", len(runs))
				x.ours(x.credited(order) == 1, "%+v", x.credits())
			},
		},
		{
			id: "A23", name: "json_that_two_readers_read_differently", title: "the provider's JSON with a status twice, in other case, with rubbish behind it, null, 10,000 deep", plugins: []string{tolerant, strict},
			run: func(x *trial) {
				b := x.customer()
				for _, text := range []string{
					`{"status":"1","status":"100",REST}`, `{"status":"100","status":"1",REST}`, `{"Status":"100",REST}`, `{"STATUS":100,REST}`,
					`{"status":"100",REST} {}`, `null`, `[]`, `{"status":null,REST}`, strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), `"100"`,
				} {
					order := x.order(50_000)
					id := x.begin(b, order)
					x.box.reply(strings.Replace(text, "REST", `"track_id":"7","id":"`+id+`","order_id":"`+order+`","amount":"50000","payment":{"track_id":"1","amount":"50000","date":"1"},"verify":{"date":"1"}`, 1))
					p := x.send(b, x.forged(id, order))
					x.ours(p.Status != http.StatusOK && x.credited(order) == 0, "%.60s: %d", text, p.Status)
					x.box.instead(nil)
				}
			},
		},
		{
			id: "A24", name: "loose_values", title: "orders such as 0e123, true, 1 OR 1=1, a script tag",
			run: func(x *trial) {
				b := x.customer()
				id, _, _ := x.paid(b, 50_000)
				for _, order := range []string{"0e123", "true", "0", "1 OR 1=1", "A24-1' OR '1'='1", "<script>alert(24)</script>", `"><img src=x onerror=alert(24)>`} {
					p := x.send(b, x.forged(id, order))
					x.refused(p)
					if strings.Contains(p.Body, "<script>alert(24)") || strings.Contains(p.Body, "<img src=x") {
						x.harm(leak)
					}
				}
				x.ours(len(x.runs()) == 0, "PHP ran")
			},
		},
	}
}

// large sends fields and bodies that are too long.
func (x *trial) large(b *harness.Browser, good string) {
	x.Helper()
	for _, body := range []string{good + "&x=" + strings.Repeat("y", 1<<20), "order_id=" + strings.Repeat("A", 1<<20)} {
		p, err := x.ask(b, http.MethodPost, x.site+x.back, body)
		// Who is told so early may see the connection end.
		x.ours(err != nil || p.Status == http.StatusBadRequest || p.Status == http.StatusRequestEntityTooLarge, "1 MiB: %d %v", p.Status, err)
	}
}

// cut is a query without one of its fields.
func cut(v url.Values, name string) url.Values {
	now := make(url.Values)
	for k, values := range v {
		if k != name {
			now[k] = values
		}
	}
	return now
}
