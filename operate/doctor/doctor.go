// Package doctor looks at money first: what waits and for how long, who refuses to
// take or to answer, and what will soon be full. Doctor and status say the same.
//
// Invariant: what costs money now is an error, one cause is one finding, and where
// nothing was asked nothing is claimed.
package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/operate/watch"
	"github.com/rahgir/caddy-payments/payment"
)

// Facts are what is looked at.
type Facts struct {
	Watch *watch.Watch
	Now   time.Time
	// Providers are the configured ones; Sandbox says which of them take no real money.
	Providers []string
	Sandbox   map[string]bool
	// KeptBack says whether calls to a provider are kept back, because too many in a
	// row had no answer.
	KeptBack func(provider string) bool
}

// Money is what costs money, or soon will: errors first.
func Money(f Facts) []operate.Finding {
	var out []operate.Finding
	w := collect(f)
	for _, name := range f.Providers {
		out = append(out, provider(f, w, name)...)
	}
	out = append(out, unanswered(f, w)...)
	out = append(out, shops(f, w)...)
	out = append(out, person(f, w)...)
	out = append(out, ledger(f)...)
	out = append(out, announcements(f)...)
	out = append(out, relays(f)...)
	slices.SortStableFunc(out, func(a, b operate.Finding) int { return cmp.Compare(rank(a.Level), rank(b.Level)) })
	return out
}

func rank(l operate.Level) int {
	return slices.Index([]operate.Level{operate.LevelError, operate.LevelWarn, operate.LevelOK}, l)
}

// heap are payments that wait for the same.
type heap struct {
	n      int
	sum    payment.Rials
	oldest time.Time
	live   bool
	whys   map[payment.Reason]int
}

func (h *heap) add(x watch.Waiter) {
	if h.n++; h.oldest.IsZero() || x.Since.Before(h.oldest) {
		h.oldest = x.Since
	}
	h.sum += x.Amount
	h.live = h.live || x.Live
	if h.whys == nil {
		h.whys = make(map[payment.Reason]int)
	}
	h.whys[x.Reason]++
}

// why are the reasons, the most frequent first.
func (h *heap) why() string {
	var names []payment.Reason
	for why := range h.whys {
		if why != "" {
			names = append(names, why)
		}
	}
	slices.SortFunc(names, func(a, b payment.Reason) int { return cmp.Or(h.whys[b]-h.whys[a], cmp.Compare(a, b)) })
	texts := make([]string, 0, len(names))
	for _, why := range names {
		texts = append(texts, string(why))
	}
	return strings.Join(texts, ", ")
}

// says is how many there are, how old the oldest is, and what they are worth.
func (h *heap) says(now time.Time, more bool) string {
	n := fmt.Sprint(h.n)
	if more {
		n = "at least " + n
	}
	what := "payments"
	if h.n == 1 && !more {
		what = "payment"
	}
	return fmt.Sprintf("%s %s, %s, the oldest for %s", n, what, lang.Rial(h.sum, lang.EN), ago(now, h.oldest))
}

// level is error for money, and warning for play money.
func (h *heap) level() operate.Level {
	if h.live {
		return operate.LevelError
	}
	return operate.LevelWarn
}

type waits struct {
	more     bool
	unknown  map[string]*heap // by provider
	shop     map[string]*heap // by site
	onTheWay map[string]*heap // by site; nothing has gone wrong yet
	person   map[payment.State]*heap
}

func collect(f Facts) waits {
	w := waits{unknown: map[string]*heap{}, shop: map[string]*heap{}, onTheWay: map[string]*heap{}, person: map[payment.State]*heap{}}
	all, more := f.Watch.Waiters()
	w.more = more
	for _, x := range all {
		switch x.State {
		case payment.Unknown:
			into(w.unknown, x.Provider).add(x)
		case payment.Review, payment.Parked, watch.Owed:
			into(w.person, x.State).add(x)
		default:
			if x.Reason == "" {
				into(w.onTheWay, x.Site).add(x)
				continue
			}
			into(w.shop, x.Site).add(x)
		}
	}
	return w
}

func into[K comparable](m map[K]*heap, k K) *heap {
	if m[k] == nil {
		m[k] = &heap{}
	}
	return m[k]
}

func ago(now, t time.Time) string { return lang.Age(max(0, now.Sub(t)), lang.EN) }

// person is what a person must decide.
func person(f Facts, w waits) []operate.Finding {
	all := &heap{}
	for _, st := range []payment.State{payment.Review, payment.Parked} {
		if h := w.person[st]; h != nil {
			all.n, all.sum, all.live = all.n+h.n, all.sum+h.sum, all.live || h.live
			if all.oldest.IsZero() || h.oldest.Before(all.oldest) {
				all.oldest = h.oldest
			}
			if all.whys == nil {
				all.whys = make(map[payment.Reason]int)
			}
			for why, n := range h.whys {
				all.whys[why] += n
			}
		}
	}
	var out []operate.Finding
	if h := w.person[watch.Owed]; h != nil {
		out = append(out, operate.Finding{Level: h.level(), Code: "owed",
			Text: "to customers whose order was refused: " + h.says(f.Now, w.more) + "; pay them back and note each with: caddy payments resolve REFERENCE repaid"})
	}
	if all.n == 0 {
		return out
	}
	return append(out, operate.Finding{Level: all.level(), Code: "waiting",
		Text: fmt.Sprintf("for a person: %s (%s); see them with: caddy payments list --state attention", all.says(f.Now, w.more), all.why())})
}

// announcements are returns that came without an intent, and announcements that could
// not be read.
func announcements(f Facts) []operate.Finding {
	var out []operate.Finding
	unannounced, unusable := f.Watch.Announcements()
	if unannounced.N > 0 {
		out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "unannounced",
			Text: fmt.Sprintf("%d returns since the start, the last %s ago, of payments that nothing announced: the redirect to the bank must pass through this site and carry X-Payment-Order and X-Payment-Amount", unannounced.N, ago(f.Now, unannounced.Last))})
	}
	if unusable.N > 0 {
		out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "unusable",
			Text: fmt.Sprintf("%d announcements since the start, the last %s ago, could not be read; the log says what stood there (announcement_unusable)", unusable.N, ago(f.Now, unusable.Last))})
	}
	return out
}
