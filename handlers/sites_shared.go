package handlers

import (
	"fmt"
	"slices"

	"github.com/rahgir/caddy-payments/internal/block"
)

// account is one account at a provider, and who uses it under which names.
type account struct {
	names, sites []string
	// none is whether one of them says `expect none`, many whether one of them
	// is as many shops as it has names.
	none, many bool
}

// accountOf returns what a receipt is good for: everybody with the same account at
// the same issuer, whatever it is called here. A provider that does not tell
// its accounts apart has but one.
func accountOf(p *provider) [2]string { return [2]string{p.terms.Issuer, p.terms.Account} }

// sharedNone refuses `expect none` where several sites use one account: a
// receipt of one site's order 101 would pay the other's order 101.
func sharedNone(handlers []*Handler, placed []*place) error {
	var order []*account
	all := make(map[[2]string]*account)
	for i, h := range handlers {
		for _, v := range h.Verify {
			key := accountOf(v.route.provider)
			a := all[key]
			if a == nil {
				a = new(account)
				all[key], order = a, append(order, a)
			}
			a.names, a.sites = adding(a.names, v.Provider), adding(a.sites, placed[i].shopName())
			a.many = a.many || placed[i].site == nil
			a.none = a.none || v.route.expect == expectNone
		}
	}
	for _, a := range order {
		if !a.none || len(a.sites) < 2 && !a.many {
			continue
		}
		slices.Sort(a.names)
		who := "provider " + a.names[0] + " is"
		if len(a.names) > 1 {
			who = "providers " + block.Join(a.names, "and") + " are one account, which is"
		}
		used := block.Join(a.sites, "and")
		if a.many {
			used += ", and a wildcard is as many sites as it has names"
		}
		return fmt.Errorf("%s used by %s: say `expect intent`, `expect lookup <url>` or `expect signed` in all of them, or a payment of one site would pay the same order number of another",
			who, used)
	}
	return nil
}

// adding returns a list with what is added to it, unless it has that already.
func adding[T comparable](to []T, v T) []T {
	if slices.Contains(to, v) {
		return to
	}
	return append(to, v)
}
