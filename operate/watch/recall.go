package watch

import "maps"

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
