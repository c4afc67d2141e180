package watch

import (
	"sync"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// Watch is one memory; a process has one. It is safe for concurrent use and never
// waits for anything but itself.
type Watch struct {
	now func() time.Time

	mu        sync.Mutex
	providers map[string]*Provider
	shops     map[string]*Shop
	waiting   tally
	ledger    Ledger
	samples   []sample

	unannounced, unusable, forgotten, dropped Tally
	// slow counts hand-overs that took long, by site.
	slow    map[string]Tally
	relayed map[relayedKey]*Relayed

	// recounting has an entry while a recount runs.
	recounting chan struct{}

	// toldLedger is the cause that was told of the ledger last, and changed is closed by
	// the next change.
	toldLedger string
	changed    chan struct{}
}

// Tally is how often something happened, and when for the last time.
type Tally struct {
	N    int
	Last time.Time
}

// New returns an empty one; now is nil for the machine's clock.
func New(now func() time.Time) *Watch {
	if now == nil {
		now = time.Now
	}
	return &Watch{now: now, providers: make(map[string]*Provider), shops: make(map[string]*Shop), slow: make(map[string]Tally), waiting: tally{all: make(map[payment.Ref]Waiter)}, recounting: make(chan struct{}, 1)}
}

// Note takes in an event.
func (w *Watch) Note(e engine.Event) {
	now := w.now()
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e.Name {
	case engine.EventAsked:
		w.provider(e).asked(e, now)
	case engine.EventStarting:
		w.provider(e).started(e, now)
	case engine.EventOperator:
		w.provider(e).refuse(e, now)
	case engine.EventUnannounced:
		w.unannounced.N++
		w.unannounced.Last = now
	case engine.EventForgotten:
		w.forgotten.N++
		w.forgotten.Last = now
	case engine.EventUnknownOrder, engine.EventForeign, engine.EventPaidBefore:
		if r := e.Reason; r == payment.ReasonUnknownOrder || r == payment.ReasonForeign || r == payment.ReasonCalledPaid || r == payment.ReasonOrderPaid {
			w.dropped.N++
			w.dropped.Last = now
		}
	case engine.EventUnusable:
		w.unusable.N++
		w.unusable.Last = now
	case engine.EventSlow:
		if t := w.slow[e.Site]; t.N > 0 || len(w.slow) < maxNames {
			w.slow[e.Site] = Tally{N: t.N + 1, Last: now}
		}
	case engine.EventBreaker:
		w.provider(e).broke(e, now)
	case engine.EventReturned:
		return
	}
	if relayedKind(e.Name) {
		w.relay(e, now)
	}
	w.change()
	if r := e.Record; r != nil && r.Ref != "" && r.State != "" {
		w.waiting.note(r, now)
		w.shop(r, e, now)
	}
}

// Announcements are the returns that nothing announced, and the announcements that
// could not be used.
func (w *Watch) Announcements() (unannounced, unusable Tally) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.unannounced, w.unusable
}

// Forgotten counts returns with our own reference whose record was lost with an earlier ledger.
func (w *Watch) Forgotten() Tally {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.forgotten
}

// Dropped counts claims that their provider was not asked about, because the shop says that it has no
// such order or that it is paid, or because the order or the id is another payment's.
func (w *Watch) Dropped() Tally {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dropped
}

// Keep forgets the providers that are not among the configured.
func (w *Watch) Keep(providers []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	kept := make(map[string]*Provider, len(providers))
	for _, name := range providers {
		if kept[name] = w.providers[name]; kept[name] == nil {
			kept[name] = &Provider{}
		}
	}
	w.providers = kept
}

func (w *Watch) provider(e engine.Event) *Provider {
	name := e.Provider
	if e.Record != nil {
		name = e.Record.Provider
	}
	p := w.providers[name]
	if p == nil {
		p = &Provider{}
		if len(w.providers) < maxNames && name != "" {
			w.providers[name] = p
		}
	}
	return p
}

// maxNames bounds the memory for names: of sites there may be one for each host that
// a wildcard takes.
const maxNames = 10_000

// states are those that a payment can wait in.
var states = []payment.State{payment.Review, payment.Parked, payment.Unknown, payment.Verified, payment.Delivering, Owed, Refund}

// Refund stands for the state of a payment of which nobody knows how a refund ended.
const Refund payment.State = "refund"

// Owed stands for the state of a refused payment whose money is with the shop.
const Owed payment.State = "owed"

// States are the states that a payment can wait in: for a person, for its provider's
// answer, or for its shop's.
func States() []payment.State { return append([]payment.State(nil), states...) }
