package engine

import (
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/rahgir/caddy-payments/engine/limit"
	"github.com/rahgir/caddy-payments/payment"
)

// Shared is what outlives a configuration while its store stays open: limits
// and breakers that a reload must not reset, and calls in flight that old and
// new configuration must not make twice. Losing it loses nothing but time.
type Shared struct {
	// flights join the settlements of one payment, admissions the writing down of
	// returns that wait.
	flights    singleflight.Group
	admissions singleflight.Group
	// relays join the asks of the provider by shops' own calls.
	relays  singleflight.Group
	replays replays
	limits  *limit.Strangers
	hosts   *limit.Hosts
	creates creates

	mu sync.Mutex
	// inside are the payments whose strangers' returns passed the door and are being
	// seen to, and how many.
	inside   map[payment.Ref]int
	orders   map[payment.Key]bool
	stalled  []payment.Ref
	twins    map[twin]seen
	listings map[string]listing
	// watched is the pace of observing by account, brought when a listed payment that
	// nobody knows was first met.
	watched map[string]*watching
	brought map[string]time.Time
}

// NewShared returns a fresh one.
func NewShared() *Shared {
	return &Shared{limits: limit.NewStrangers(), hosts: limit.NewHosts(), inside: make(map[payment.Ref]int), orders: make(map[payment.Key]bool), twins: make(map[twin]seen), listings: make(map[string]listing),
		watched: make(map[string]*watching), brought: make(map[string]time.Time),
	}
}

// twin is what makes two payments suspiciously alike. Banks repeat short
// references, so it is an event and never a key.
type twin struct {
	issuer, reference, card string
	amount                  payment.Rials
}

type seen struct {
	ref payment.Ref
	at  time.Time
}

const (
	twinSpan = 24 * time.Hour
	maxTwins = 50_000
)

// repeated reports whether another payment had the same bank reference, amount
// and card within a day. It remembers in memory only.
func (s *Shared) repeated(r *payment.Record, now time.Time) bool {
	rc := r.Receipt
	if rc == nil || len(rc.Reference) < 2 || rc.Card == "" {
		return false
	}
	k := twin{r.Issuer, rc.Reference, rc.Card, r.Price()}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.twins[k]
	if len(s.twins) >= maxTwins {
		clear(s.twins)
	}
	s.twins[k] = seen{r.Ref, now}
	return ok && old.ref != r.Ref && now.Sub(old.at) < twinSpan
}

// alone lets one question about an order be asked at a time; done must be
// called where it may.
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

// together lets a stranger's return through where the door does, or where another
// return of the same payment is being seen to: returns of one payment that come
// together cause one call, so they take one place. leave must be called where it is
// let through.
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

// maxStalled bounds the memory for conversions that wait for a better token;
// the others are found by their due time.
const maxStalled = 10_000

// stall remembers a conversion of a paused affiliate for the next
// configuration.
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

// hostOf is what lanes, paces and breakers are kept by: they are about who is
// called, and two accounts at one host wear it out together.
func hostOf(t payment.Terms) string {
	if t.Host != "" {
		return t.Host
	}
	return t.Issuer
}
