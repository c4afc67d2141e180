package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// press is one press of Pay; fault is whether it must be the account's.
type press struct {
	site  string
	named bool // by the Host
	wait  time.Duration
	fault bool
}

// many are presses at so many sites, for which payments start.
func many(n int) []press {
	all := make([]press, n)
	for i := range all {
		all[i] = press{site: fmt.Sprintf("s%d.x.test", i), named: true}
	}
	return all
}

// Whoever names a site by the request's Host says nothing about the account while the
// gateway starts payments for others. What the owner has named, a site that sold before,
// and an account that has started nothing for a day do.
func TestOneSitesRefusalIsNotTheAccounts(t *testing.T) {
	t.Parallel()
	const a, b, bad, worse, unknown = "a.x.test", "b.x.test", "bad.x.test", "bad2.x.test", "badshop.test"
	for name, presses := range map[string][]press{
		"nobody has started one":         {{bad, true, 0, true}},
		"another has":                    {{a, true, 0, false}, {bad, true, 0, false}, {bad, true, time.Second, false}, {worse, true, 0, false}},
		"another just within the day":    {{a, true, 0, false}, {bad, true, 24*time.Hour - time.Second, false}},
		"another a day ago":              {{a, true, 0, false}, {bad, true, 24 * time.Hour, true}},
		"the owner has named it":         {{a, true, 0, false}, {unknown, false, 0, true}},
		"the other is named":             {{a, false, 0, false}, {bad, true, 0, false}},
		"it sold before":                 {{a, true, 0, false}, {b, true, 0, false}, {"refused:" + a, true, 0, true}},
		"as many sites as are known":     append(many(998), press{bad, true, 0, false}),
		"one fewer than can be told":     append(many(999), press{bad, true, 0, false}),
		"more sites than can be told":    append(many(1000), press{bad, true, 0, true}),
		"far more sites than can be":     append(many(1300), press{bad, true, 0, true}),
		"a refusal does not make a sale": {{bad, true, 0, true}, {bad, true, 0, true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.halt()
				for n, p := range presses {
					site, refused := strings.CutPrefix(p.site, "refused:")
					w.bank.creates = func(payment.Order) (payment.Started, error) {
						if refused || strings.HasPrefix(site, "bad") {
							return payment.Started{}, fmt.Errorf("%w (code -9): %w", payment.ErrRefused, payment.ErrOperator)
						}
						return payment.Started{ID: fmt.Sprint("K", n), PayURL: "https://bank.example/pay"}, nil
					}
					time.Sleep(p.wait)
					order := fmt.Sprint("o", n)
					faults := w.events.counts(engine.EventStarting, engine.CreateOperator)
					_, _, _ = w.Purchase(t.Context(), engine.Purchase{
						Site: site, HostNamed: p.named, Route: "/cb", Provider: "idpay", Order: order, Amount: 50000, Item: "x",
						Ref: payment.CheckoutRef(site, idpayTraits.Issuer, order), ReturnURL: "https://shop/r", Return: payment.Return{URI: "/r"},
					})
					if got := w.events.counts(engine.EventStarting, engine.CreateOperator) > faults; got != p.fault || w.Startable("idpay") == p.fault {
						t.Fatalf("press %d, %s: the account's fault %v, startable %v; want %v", n, p.site, got, w.Startable("idpay"), p.fault)
					}
				}
			})
		})
	}
}
