package engine

import (
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/rahgir/caddy-payments/engine/limit"
	"github.com/rahgir/caddy-payments/payment"
)

// Shared outlives a configuration while its store stays open: limits and breakers that a
// reload must not reset, and calls in progress that the old and the new configuration must
// not make twice. Losing it costs only time.
type Shared struct {
	// settles joins settlements of one payment, admissions the recording of returns that
	// wait.
	settles    singleflight.Group
	admissions singleflight.Group
	// relays joins the calls of shops that ask the provider about one payment.
	relays  singleflight.Group
	replays replays
	traces  traces
	limits  *limit.Strangers
	hosts   *limit.Hosts
	creates creates

	// pages are ends of pages, by payment, and accepted are sales that a network has taken.
	pages    recent[payment.Ref, endedPage]
	accepted recent[sale, string]

	// kept is what others keep as long as the store is open.
	kept sync.Map

	mu sync.Mutex
	// inside counts, by payment, the strangers' returns that were let in and are being
	// settled.
	inside     map[payment.Ref]int
	orders     map[payment.Key]bool
	stalled    []payment.Ref
	lookalikes map[lookalike]seen
	listings   map[string]listing
	// watched is the pace of observing by account. brought is when a listed payment that
	// nobody knows was first met.
	watched map[string]*watching
	// slow is when each site's slow deliveries were an alert last.
	slow    map[string]time.Time
	brought map[string]time.Time
	// opened is since when the store is open and works. down says that it failed when the
	// worker last looked.
	opened time.Time
	down   bool
}

// since returns since when the store is open and works, which is now if no worker has seen it
// work.
func (s *Shared) since(now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opened.IsZero() || s.down {
		s.opened, s.down = now, false
	}
	return s.opened
}

// fails notes that the store doesn't work now.
func (s *Shared) fails() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = true
}

// NewShared returns an empty Shared.
func NewShared() *Shared {
	return &Shared{limits: limit.NewStrangers(), hosts: limit.NewHosts(), inside: make(map[payment.Ref]int), orders: make(map[payment.Key]bool), lookalikes: make(map[lookalike]seen), listings: make(map[string]listing),
		watched: make(map[string]*watching), slow: make(map[string]time.Time), brought: make(map[string]time.Time),
	}
}

// Keep returns what is kept by a name as long as the store is open, and makes it first.
func (s *Shared) Keep(name string, made func() any) any {
	if v, ok := s.kept.Load(name); ok {
		return v
	}
	v, _ := s.kept.LoadOrStore(name, made())
	return v
}

// lookalike has what makes two payments suspiciously alike. Banks repeat short references,
// so it is an event and never a key.
type lookalike struct {
	issuer, reference, card string
	amount                  payment.Rials
}

type seen struct {
	ref payment.Ref
	at  time.Time
}

const (
	lookalikeSpan = 24 * time.Hour
	maxLookalikes = 50_000
)

// repeated reports whether another payment had the same bank reference, amount and card
// within a day. It remembers payments in memory only.
func (s *Shared) repeated(r *payment.Record, now time.Time) bool {
	rc := r.Receipt
	if rc == nil || len(rc.Reference) < 2 || rc.Card == "" {
		return false
	}
	k := lookalike{r.Issuer, rc.Reference, rc.Card, r.Price()}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.lookalikes[k]
	if len(s.lookalikes) >= maxLookalikes {
		clear(s.lookalikes)
	}
	s.lookalikes[k] = seen{r.Ref, now}
	return ok && old.ref != r.Ref && now.Sub(old.at) < lookalikeSpan
}

// alone lets one caller at a time ask about an order. If ok is true, the caller must call
// done.
func (s *Shared) alone(order payment.Key) (done func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.orders[order] {
		return nil, false
	}
	s.orders[order] = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.orders, order)
	}, true
}

// together lets a stranger's return in if the limits allow it, or if another return of the
// same payment is being settled: returns of one payment that come together cause one call,
// so they take one place. If ok is true, the caller must call leave.
func (s *Shared) together(ref payment.Ref, client string, now time.Time) (leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inside[ref] == 0 && !s.limits.Enter(client, now) {
		return nil, false
	}
	s.inside[ref]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.inside[ref]--; s.inside[ref] <= 0 {
			delete(s.inside, ref)
		}
	}, true
}

// maxStalled bounds the memory for reports that wait for another token. The others are found
// by their due time.
const maxStalled = 10_000

// stall remembers a report to a paused receiver for the next configuration.
func (s *Shared) stall(ref payment.Ref) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.stalled) < maxStalled {
		s.stalled = append(s.stalled, ref)
	}
}

func (s *Shared) takeStalled() []payment.Ref {
	s.mu.Lock()
	defer s.mu.Unlock()
	refs := s.stalled
	s.stalled = nil
	return refs
}

const (
	// slowAgain is how soon a site's slow deliveries are an alert again.
	slowAgain = time.Hour
	maxSlow   = 1000
)

// firstSlow reports whether a slow delivery of a site is an alert: one cause is one alert,
// repeated while it lasts.
func (s *Shared) firstSlow(site string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, ok := s.slow[site]; ok && now.Sub(last) < slowAgain {
		return false
	}
	if len(s.slow) >= maxSlow {
		clear(s.slow)
	}
	s.slow[site] = now
	return true
}

// hostOf returns the name under which lanes and breakers are kept. They concern the server
// that is called, which two accounts may share.
func hostOf(t payment.Terms) string {
	if t.Host != "" {
		return t.Host
	}
	return t.Issuer
}
