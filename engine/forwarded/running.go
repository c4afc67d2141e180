package forwarded

import (
	"maps"
	"sync"

	"github.com/rahgir/caddy-payments/payment"
)

// running are the calls that are under way, whether the ledger records them or not.
//
// Its invariant: no call that sends money back passes beside a verify of its payment, and none
// of these beside the other: the shop could hear "first" of money that is back.
type running struct {
	mu sync.Mutex
	of map[call]int
	// passing are the calls whose last mark is still to come.
	passing map[string]bool
}

type call struct {
	kind         payment.RelayKind
	provider, id string
}

// Begin notes that a call has begun, until end is called.
func (l *Log) Begin(kind payment.RelayKind, provider, id string) (end func()) {
	if _, crosses := opposite[kind]; l == nil || !crosses {
		return func() {}
	}
	c, r := call{kind, provider, id}, &l.running
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		r.of = make(map[call]int)
	}
	r.of[c]++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.of[c]--; r.of[c] <= 0 {
			delete(r.of, c)
		}
	}
}

// Pass notes that a call passes, until end is called. What a call that has not ended meant
// nobody knows yet, so it is not read in before; one whose process has died is.
func (l *Log) Pass(call string) (end func()) {
	if l == nil {
		return func() {}
	}
	r := &l.running
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.passing == nil {
		r.passing = make(map[string]bool)
	}
	r.passing[call] = true
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.passing, call)
	}
}

// passes returns the calls that pass now.
func (r *running) passes() map[string]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.passing)
}

// Crosses reports whether a call that begins now would pass beside one that it must not meet.
func (l *Log) Crosses(kind payment.RelayKind, provider, id string) bool {
	other, crosses := opposite[kind]
	if l == nil || !crosses {
		return false
	}
	l.running.mu.Lock()
	defer l.running.mu.Unlock()
	return l.running.of[call{other, provider, id}] > 0
}

var opposite = map[payment.RelayKind]payment.RelayKind{
	payment.RelayVerify: payment.RelayGiveBack, payment.RelayGiveBack: payment.RelayVerify,
}
