package watch

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// maxRecalled bounds the shops that are kept for the next process: of sites there may be
// one for each host that a wildcard takes.
const maxRecalled = 1000

// Recall takes in what an earlier process of the same ledger knew of its providers, as
// [Watch.Down] gave it. What this process has seen itself is newer, and wins.
func (w *Watch) Recall(earlier map[string]Provider) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, was := range earlier {
		p := w.providers[name]
		if p == nil || *p != (Provider{}) { // not configured any more, or seen since
			continue
		}
		was.told = "" // people are told anew: nobody knows what the earlier process could tell
		*p = was
	}
	w.change()
}

// Down are the providers that earn no money now.
func (w *Watch) Down() map[string]Provider {
	all := w.Providers()
	maps.DeleteFunc(all, func(_ string, p Provider) bool { cause, _ := p.Down(); return cause == "" })
	return all
}

// RecallShops is [Watch.Recall] for shops, as [Watch.FailingShops] gave them. Those that have
// not been tried since a time are left out: nobody knows how they are by now.
func (w *Watch) RecallShops(earlier map[string]Shop, since time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for site, was := range earlier {
		if w.shops[site] != nil || !was.Failing() || was.Last.Before(since) || len(w.shops) >= maxNames {
			continue
		}
		was.told = false // people are told anew, by the next hand-over that fails
		w.shops[site] = &was
	}
	w.change()
}

// FailingShops are the sites whose last hand-over failed; of very many the ones that have
// been tried last.
func (w *Watch) FailingShops() map[string]Shop {
	all := w.Shops()
	maps.DeleteFunc(all, func(_ string, s Shop) bool { return !s.Failing() })
	if len(all) <= maxRecalled {
		return all
	}
	sites := slices.SortedFunc(maps.Keys(all), func(a, b string) int { return cmp.Or(all[b].Last.Compare(all[a].Last), cmp.Compare(a, b)) })
	for _, site := range sites[maxRecalled:] {
		delete(all, site)
	}
	return all
}
