package limit

import (
	"context"
	"sync"
	"sync/atomic"
)

const (
	// perProvider bounds the concurrent calls to one provider, strangersAmong those of
	// them that are for strangers. A provider that takes a second to answer gets that
	// many calls a second: 512 customers and the worker don't wait for each other.
	perProvider    = 640
	strangersAmong = 16
	// createsAtOnce bounds the concurrent creates at one provider. They have places of
	// their own, so a flood of them takes no place from a verify. createsWait is how
	// many more may wait for a place.
	createsAtOnce = 16
	createsWait   = 64
	// patientAtOnce bounds the calls of shops that go on after a provider's time-out. They
	// have places of their own, so that a provider that hangs keeps no place from calls that
	// it answers.
	patientAtOnce = 256
)

// Hosts holds a lane and a breaker for each host that is called: two accounts at one
// host share both, because they load the same machine.
type Hosts struct {
	mu       sync.Mutex
	breakers map[string]*Breaker
	lanes    map[string]*lane
}

// NewHosts returns Hosts without any call under way.
func NewHosts() *Hosts {
	return &Hosts{breakers: make(map[string]*Breaker), lanes: make(map[string]*lane)}
}

// lane bounds the calls to one host; strangers share a part of it, so that a
// flood of invented ids leaves room for genuine returns.
type lane struct {
	all, strangers, creates, patient chan struct{}
	// starting is how many have a place for a create, or wait for one.
	starting atomic.Int32
}

// Breaker returns the breaker of a host.
func (h *Hosts) Breaker(host string) *Breaker {
	h.mu.Lock()
	defer h.mu.Unlock()
	b, ok := h.breakers[host]
	if !ok {
		b = new(Breaker)
		h.breakers[host] = b
	}
	return b
}

func (h *Hosts) lane(host string) *lane {
	h.mu.Lock()
	defer h.mu.Unlock()
	l, ok := h.lanes[host]
	if !ok {
		l = &lane{all: make(chan struct{}, perProvider), strangers: make(chan struct{}, strangersAmong), creates: make(chan struct{}, createsAtOnce), patient: make(chan struct{}, patientAtOnce)}
		h.lanes[host] = l
	}
	return l
}

// EnterCreate takes a place for starting a payment. Call leave to free it. ok is false
// where too many wait already, or no place came free before ctx ended.
func (h *Hosts) EnterCreate(ctx context.Context, host string) (leave func(), ok bool) {
	l := h.lane(host)
	if l.starting.Add(1) > createsAtOnce+createsWait {
		l.starting.Add(-1)
		return nil, false
	}
	select {
	case l.creates <- struct{}{}:
		return func() { <-l.creates; l.starting.Add(-1) }, true
	case <-ctx.Done():
		l.starting.Add(-1)
		return nil, false
	}
}

// EnterPatient takes a place for a call that a shop waits for longer than for others. ok is
// false where none is free. Call leave to free it.
func (h *Hosts) EnterPatient(host string) (leave func(), ok bool) {
	l := h.lane(host)
	select {
	case l.patient <- struct{}{}:
		return func() { <-l.patient }, true
	default:
		return nil, false
	}
}

// EnterRelayed takes a place for a payment that a shop starts by its own call: one of the
// places of creates, else one of those that wait longer, because without us the gateway
// would have taken the call at once.
func (h *Hosts) EnterRelayed(ctx context.Context, host string) (leave func(), ok bool) {
	l := h.lane(host)
	select {
	case l.creates <- struct{}{}:
		l.starting.Add(1)
		return func() { <-l.creates; l.starting.Add(-1) }, true
	default:
	}
	if leave, ok := h.EnterPatient(host); ok {
		return leave, true
	}
	return h.EnterCreate(ctx, host)
}

// Enter takes a place in a host's lane and waits for one until ctx ends. Call leave to
// free it.
func (h *Hosts) Enter(ctx context.Context, host string, stranger bool) (leave func(), err error) {
	l := h.lane(host)
	if stranger {
		select {
		case l.strangers <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	select {
	case l.all <- struct{}{}:
	case <-ctx.Done():
		if stranger {
			<-l.strangers
		}
		return nil, ctx.Err()
	}
	return func() {
		<-l.all
		if stranger {
			<-l.strangers
		}
	}, nil
}
