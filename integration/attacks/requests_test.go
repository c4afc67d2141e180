package attacks_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
)

// requests: addresses, methods and the wire.
func requests() []attack {
	return []attack{
		{
			id: "A41", name: "host_games", title: "Host: localhost, a foreign Host, an absolute address", none: "it looks at no Host",
			run: func(x *trial) {
				order := x.order(50_000)
				target := x.query(x.forged(x.invented(), order), "")
				for _, host := range []string{"localhost", "127.0.0.1", "evil.example", strings.TrimPrefix(x.site, "http://") + "@evil.example"} {
					w := x.wire()
					w.Host = host
					status, body := w.Send("GET "+target, []string{"Connection: close"}, "")
					x.ours(!strings.Contains(body, "evil.example"), "%s: %d %s", host, status, body)
				}
				w := x.wire()
				w.Host = "evil.example"
				status, body := w.Send("GET "+x.site+target, []string{"Connection: close"}, "")
				x.ours(status != http.StatusOK && !strings.Contains(body, "evil.example"), "absolute: %d", status)
				x.ours(len(x.runs()) == 0, "PHP ran")
			},
		},
		{
			id: "A42", name: "method_games", title: "HEAD, OPTIONS, TRACE, PUT, method overrides, prefetch", none: "PHP runs the same for every method",
			run: func(x *trial) {
				b := x.customer()
				id, order, ret := x.paid(b, 50_000)
				target := x.query(ret, "")
				for _, method := range []string{"HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "PATCH", "FOO"} {
					p, err := x.ask(b, method, x.site+target, "", "X-HTTP-Method-Override", "POST")
					x.ours(err == nil && p.Status == http.StatusMethodNotAllowed, "%s: %d %v", method, p.Status, err)
				}
				for _, header := range []string{"Sec-Purpose", "Purpose"} {
					x.ours(x.get(b, target, header, "prefetch").Status == http.StatusNoContent, "%s", header)
				}
				x.ours(x.box.about(id) == 0 && len(x.runs()) == 0 && x.record(id, order).State != "verifying", "asked %d times", x.box.about(id))
				x.status(x.come(b, ret), http.StatusOK)
			},
		},
		{
			id: "A43", name: "request_smuggling", title: "two lengths, odd Transfer-Encodings, a second return in the first's body", none: "the same Caddy reads both",
			run: func(x *trial) {
				b := x.customer()
				id, order, ret := x.paid(b, 50_000)
				other := x.order(50_000)
				body := form(ret).Encode()
				inner := "GET " + x.query(x.forged(id, other), "") + " HTTP/1.1\r\nHost: x\r\nX-Payment-Status: verified\r\n\r\n"
				u, _ := url.Parse(ret.URL)
				start := "POST " + u.RequestURI()
				kind := "Content-Type: " + formType
				for _, c := range []struct {
					lines []string
					body  string
				}{
					{[]string{kind, "Content-Length: 4", "Transfer-Encoding: chunked"}, fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n%s", len(body), body, inner)},
					{[]string{kind, "Content-Length: 5", "Content-Length: 6"}, body},
					{[]string{kind, "Transfer-Encoding: xchunked"}, body}, {[]string{kind, "Transfer-Encoding: chunked, identity"}, body},
					{[]string{kind, "Transfer-Encoding : chunked"}, body}, {[]string{kind, "Transfer-Encoding: chunked", "Transfer-Encoding: identity"}, body},
					{[]string{kind, fmt.Sprintf("Content-Length: %d", len(body))}, body + inner},
				} {
					x.wire().Send(start, c.lines, c.body)
				}
				x.ends(b, ret, order)
				x.ours(x.credited(order) == 1 && x.credited(other) == 0 && x.truth(id).Verify.Calls == 1, "%+v", x.credits())
			},
		},
		{
			id: "A63", name: "slow_and_gone_clients", title: "headers and bodies that never end; a client that leaves while the provider is asked", plugins: []string{tolerant, strict},
			run: func(x *trial) {
				for range 10 {
					w := harness.NewWire(x.T, fmt.Sprintf("127.0.0.1:%d", x.port))
					w.From = x.client(3)
					w.Host = strings.TrimPrefix(x.site, "http://")
					go w.Send("POST "+x.back, []string{"Content-Type: " + formType, "Content-Length: 1000"}, "id=a")
				}
				b := x.customer()
				id, order, ret := x.paid(b, 50_000)
				x.fault(hang(id, 400))
				b.Client.Timeout = 150 * time.Millisecond
				harness.Wait(x.T, "the provider is asked", 20*time.Second, func() bool {
					if x.box.about(id) == 0 {
						_, _ = x.try(b, ret) // gone before it arrived, where the machine is slow
					}
					return x.box.about(id) > 0
				})
				if x.us {
					x.ends(x.customer(), ret, order)
				} else {
					harness.Wait(x.T, "the plugin ends", 20*time.Second, func() bool { return x.credited(order) > 0 })
				}
				x.ours(x.credited(order) == 1 && x.truth(id).Verify.Calls == 1, "%+v %+v", x.credits(), x.truth(id).Verify)
			},
		},
	}
}
