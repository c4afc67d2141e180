package attacks_test

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

const formType = "application/x-www-form-urlencoded"

// parameters: returns that Go and PHP read differently.
func parameters() []attack {
	all := []string{tolerant, strict, authority, believing}
	// mixed sends a genuine return that also says something else; first and
	// second are an order that was paid and one that was not.
	mixed := func(try func(x *trial, b *harness.Browser, ret *sandbox.Return, paid, wanted string)) func(*trial) {
		return func(x *trial) {
			b := x.customer()
			id, order, ret := x.paid(b, 50_000)
			wanted := x.order(50_000)
			x.begin(b, wanted)
			try(x, b, ret, order, wanted)
			x.ours(x.box.about(id) == 0 && len(x.runs()) == 0, "asked %d times, PHP ran %d times", x.box.about(id), len(x.runs()))
			x.ends(b, ret, order)
			x.ours(x.credited(order) == 1 && x.credited(wanted) == 0, "%+v", x.credits())
		}
	}
	refuse := func(x *trial, b *harness.Browser, query string) {
		p := x.get(b, x.back+"?"+query)
		x.status(p, http.StatusBadRequest)
	}
	return []attack{
		{
			id: "A25", name: "a_parameter_twice", title: "order_id=A&order_id=B", plugins: all,
			run: mixed(func(x *trial, b *harness.Browser, ret *sandbox.Return, paid, wanted string) {
				_, query, _ := strings.Cut(x.query(ret, ""), "?")
				for _, name := range []string{"order_id", "id", "status", "track_id"} {
					refuse(x, b, query+"&"+name+"="+wanted)
					refuse(x, b, name+"="+wanted+"&"+query)
				}
				if !x.us {
					x.get(b, x.back+"?"+query+"&invoice="+wanted)
				}
			}),
		},
		{
			id: "A26", name: "names_that_php_folds", title: "order_id=A&order.id=B, order[id, order_id[]", plugins: all,
			run: mixed(func(x *trial, b *harness.Browser, ret *sandbox.Return, _, wanted string) {
				_, query, _ := strings.Cut(x.query(ret, ""), "?")
				for _, twin := range harness.Twins(strings.Repeat("f", 32)) {
					refuse(x, b, query+"&"+twin)
					refuse(x, b, twin+"&"+query)
				}
				for _, twin := range []string{"order.id=", "order%20id=", "order[id="} {
					refuse(x, b, query+"&"+twin+wanted)
				}
				if !x.us {
					x.get(b, x.back+"?"+query+"&%20invoice="+wanted)
				}
			}),
		},
		{
			id: "A27", name: "query_against_body", title: "the query says A, the body B", plugins: all,
			run: mixed(func(x *trial, b *harness.Browser, ret *sandbox.Return, _, wanted string) {
				for _, query := range []string{"order_id=" + wanted, "id=" + strings.Repeat("f", 32), "status=2", "order.id=" + wanted, "order_id[]=" + wanted} {
					p, err := x.ask(b, http.MethodPost, x.site+x.back+"?"+query, form(ret).Encode())
					x.ours(err == nil && p.Status == http.StatusBadRequest, "%s: %d %v", query, p.Status, err)
				}
				if !x.us {
					// $_REQUEST lets the body win.
					v := form(ret)
					v.Set("invoice", wanted)
					_, _ = x.ask(b, http.MethodPost, ret.URL, v.Encode())
				}
			}),
		},
		{
			id: "A28", name: "other_kinds_of_body", title: "multipart, JSON, UTF-7, semicolons, a name without value", plugins: all,
			run: mixed(func(x *trial, b *harness.Browser, ret *sandbox.Return, _, wanted string) {
				good := form(ret).Encode()
				parts := ""
				for name, value := range ret.Form {
					if name == "order_id" {
						value = wanted
					}
					parts += "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
				}
				for _, c := range [][2]string{
					{parts + "--b--\r\n", "multipart/form-data; boundary=b"}, {`{"status":10,"order_id":"` + wanted + `"}`, "application/json"},
					{good, formType + "; charset=utf-7"}, {good, "text/plain"}, {good, formType + ", application/json"},
					{strings.ReplaceAll(good, "&", ";"), formType}, {good + "&order_id", formType}, {good + "%00", formType},
				} {
					p, err := x.ask(b, http.MethodPost, x.site+x.back, c[0], "Content-Type", c[1])
					x.ours(err == nil && p.Status == http.StatusBadRequest, "%s %.80s: %d %v", c[1], c[0], p.Status, err)
				}
			}),
		},
		{
			id: "A29", name: "too_much", title: "10,000 parameters, 1,000 headers, 2 MiB, a body that never ends", ours: []string{announced}, plugins: []string{tolerant, strict},
			run: mixed(func(x *trial, b *harness.Browser, ret *sandbox.Return, _, _ string) {
				good := form(ret).Encode()
				for _, body := range []string{good + strings.Repeat("&a=1", 10_000), good + "&a=" + strings.Repeat("a", 2<<20)} {
					p, err := x.ask(b, http.MethodPost, x.site+x.back, body)
					x.ours(err != nil || p.Status == http.StatusBadRequest || p.Status == http.StatusRequestEntityTooLarge, "%d", p.Status)
				}
				var lines []string
				for i := range 1000 {
					lines = append(lines, fmt.Sprintf("X-Payment-Order-%d: %s", i, smuggled))
				}
				status, _ := x.wire().Send("GET /other", lines, "")
				x.ours(status != http.StatusInternalServerError, "1,000 headers: %d", status)
				// The last chunk never comes; whoever waits for it waits alone.
				endless := x.wire()
				endless.From = x.client(2)
				go endless.Send("POST "+x.back, []string{"Content-Type: " + formType, "Transfer-Encoding: chunked"}, "5\r\nid=aa\r\n")
				if x.us {
					x.forget()
				}
			}),
		},
		{
			// DESIGN 6: what is not the provider's is the shop's and passes byte for
			// byte; whether the payment is paid no parameter says.
			id: "A30", name: "parameters_that_a_shop_trusts", title: "paid=1&verified=true beside an unpaid return", plugins: all,
			run: func(x *trial) {
				b := x.customer()
				order := x.order(50_000)
				id := x.begin(b, order)
				ret := x.forged(id, order)
				for _, name := range []string{"paid", "verified", "success", "X-Payment-Status", "payment_status"} {
					ret.Form[name] = "1"
				}
				x.refused(x.send(b, ret))
				x.ours(len(x.runs()) == 0, "PHP ran")
			},
		},
	}
}
