package attacks_test

import (
	"net/http"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// hang answers a payment's verify call late.
func hang(id string, ms int64) sandbox.Fault {
	return sandbox.Fault{Kind: "delay", When: "after", MS: ms, Operation: "verify", Payment: id}
}

// races: the same at once. The provider answers a moment later, as over a real
// network.
func races() []attack {
	asking := []string{tolerant, strict}
	return []attack{
		{
			id: "A68", name: "many_returns_at_once", title: "64 returns of one payment at once", plugins: asking,
			run: func(x *trial) {
				id, order, ret := x.paid(x.customer(), 50_000)
				x.box.gather(8)
				x.all(64, func(int) (harness.Page, error) { return x.try(x.customer(), ret) })
				x.ours(x.credited(order) == 1 && x.truth(id).Verify.Calls == 1, "credited %d times, %+v", x.credited(order), x.truth(id).Verify)
			},
		},
		{
			id: "A69", name: "get_and_post_at_once", title: "the same return by GET and POST, in other orders, at once", plugins: asking,
			run: func(x *trial) {
				id, order, ret := x.paid(x.customer(), 50_000)
				x.box.gather(8)
				get := &sandbox.Return{Method: http.MethodGet, URL: x.site + x.query(ret, "")}
				twice := &sandbox.Return{Method: http.MethodGet, URL: x.site + x.query(ret, "&id="+id)}
				x.all(24, func(n int) (harness.Page, error) { return x.try(x.customer(), []*sandbox.Return{ret, get, twice}[n%3]) })
				x.ours(x.credited(order) == 1 && x.truth(id).Verify.Calls == 1, "credited %d times, %+v", x.credited(order), x.truth(id).Verify)
			},
		},
		{
			id: "A70", name: "refresh", title: "refresh while the provider is asked, and while the shop works", plugins: asking,
			run: func(x *trial) {
				b := x.customer()
				id, order, ret := x.paid(b, 50_000)
				x.box.gather(4)
				if x.us {
					x.behave(`{"slow":600}`)
				}
				x.all(8, func(n int) (harness.Page, error) {
					time.Sleep(time.Duration(n) * 150 * time.Millisecond)
					return x.try(b, ret)
				})
				x.ours(x.credited(order) == 1 && x.truth(id).Verify.Calls == 1, "credited %d times, %+v", x.credited(order), x.truth(id).Verify)
			},
		},
		{
			id: "A71", name: "races_for_a_receipt_and_for_an_order", title: "two orders race for one receipt; two receipts for one order", ours: []string{announced, silent, script}, plugins: asking,
			run: func(x *trial) {
				id, order, ret := x.paid(x.customer(), 50_000)
				wanted := x.order(50_000)
				x.fault(sandbox.Fault{Kind: "delay", When: "after", MS: 500, Operation: "verify"})
				x.all(16, func(n int) (harness.Page, error) {
					if n%2 == 0 {
						return x.try(x.stranger(), x.forged(id, wanted))
					}
					return x.try(x.customer(), ret)
				})
				x.ends(x.customer(), ret, order)
				x.ours(x.credited(order) == 1 && x.credited(wanted) == 0, "%+v", x.credits())
				b := x.customer()
				_, both, one := x.paid(b, 50_000)
				other := x.act(x.begin(b, both), "pay")
				x.all(16, func(n int) (harness.Page, error) { return x.try(x.customer(), []*sandbox.Return{one, other}[n%2]) })
				x.ours(x.credited(both) == 1, "%+v", x.credits())
			},
		},
		{
			id: "A72", name: "return_during_a_reload", title: "a return during a reload, and during a restart", none: "it has nothing to reload", alone: true,
			run: func(x *trial) {
				for _, what := range []string{"reload", "restart"} {
					b := x.customer()
					id, order, ret := x.paid(b, 50_000)
					x.fault(sandbox.Fault{Kind: "delay", When: "after", MS: 1500, Operation: "verify", Payment: id, Count: 1})
					done := make(chan struct{})
					go func() {
						defer close(done)
						_, _ = x.try(b, ret) // a restart may cut it off
					}()
					harness.Wait(x.T, "the provider is asked", 20*time.Second, func() bool { return x.box.about(id) > 0 })
					if what == "reload" {
						x.ours(x.w.Reload() == nil, "the reload")
					} else {
						x.w.Stop()
						x.w.Caddy.Start()
					}
					<-done
					x.ends(x.customer(), ret, order)
					x.ours(x.credited(order) == 1, "%s: credited %d times", what, x.credited(order))
				}
			},
		},
	}
}
