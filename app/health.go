package app

import (
	"maps"
	"slices"

	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/payment"
)

// Health implements operate.App.
func (a *App) Health() operate.Health {
	h := operate.Health{Providers: []operate.ProviderHealth{}, Shops: []operate.ShopHealth{}}
	for _, name := range a.ProviderNames() {
		p := processWatch.Provider(name)
		cause, since := p.Down()
		x := operate.ProviderHealth{Name: name, Sandbox: a.providers[name].Traits().Environment == payment.Sandbox, Up: cause == "", Cause: cause, Since: since, Answered: p.Answered()}
		h.Providers = append(h.Providers, x)
	}
	shops := processWatch.Shops()
	for _, site := range slices.Sorted(maps.Keys(shops)) {
		s := shops[site]
		h.Shops = append(h.Shops, operate.ShopHealth{Site: site, Took: s.OK, Fails: s.Fails, Since: s.Since, Why: string(s.Why)})
	}
	l := processWatch.Ledger()
	h.Ledger = operate.LedgerHealth{Seen: l.Seen, Trouble: l.Trouble, Bytes: l.Bytes, Room: l.Room, Generation: l.Generation, Nodes: max(1, l.Nodes)}
	if in, ok := processWatch.Full(); ok {
		h.Ledger.FullIn = int64(in.Seconds())
	}
	return h
}

// Changed is closed when anything has happened since: a page that shows payments is
// loaded anew then.
func (a *App) Changed() <-chan struct{} { return processWatch.Changed() }
