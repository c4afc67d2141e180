package sandbox

import (
	"sync"
	"time"
)

// Bounds on what the ledger remembers in detail, so that a load test does not
// eat the machine. Totals go on counting beyond them.
const (
	maxPaths           = 4096
	maxConversionCalls = 20000
)

// state is everything the sandbox remembers. It is apart from Server so that a
// config reload, which makes a new Server, keeps the payments.
type state struct {
	mu     sync.Mutex
	now    func() time.Time
	offset time.Duration

	payments map[string]*payment // by provider + "/" + id
	listed   []*payment          // in order of creation

	conversions []Conversion
	tracks      map[string]*Track
	dropped     int // conversion calls beyond maxConversionCalls

	requests       map[string]int
	unknownVerify  int
	faults         []*Fault
	lastFault      int
	settings       map[string]Settings
	faultsReleased chan struct{} // closed to let delayed and hanging answers go
}

func newState(now func() time.Time) *state {
	st := &state{now: now}
	st.clear()
	return st
}

// clear forgets everything. The caller holds the lock or owns the state.
func (st *state) clear() {
	if st.faultsReleased != nil {
		close(st.faultsReleased)
	}
	st.offset = 0
	st.payments = make(map[string]*payment)
	st.listed = nil
	st.conversions = nil
	st.tracks = make(map[string]*Track)
	st.dropped = 0
	st.requests = make(map[string]int)
	st.unknownVerify = 0
	st.faults = nil
	st.settings = make(map[string]Settings)
	st.faultsReleased = make(chan struct{})
}

// clock returns the sandbox's own time: whole seconds are what the protocols carry,
// but the ledger keeps the rest.
func (st *state) clock() time.Time {
	return st.now().Add(st.offset)
}

func (st *state) count(key string) {
	if _, known := st.requests[key]; !known && len(st.requests) >= maxPaths {
		key = "(other)"
	}
	st.requests[key]++
}

// add remembers a payment, which browsers find at link.
func (st *state) add(p *payment, link string) {
	p.link = link
	st.payments[p.provider+"/"+p.id] = p
	st.listed = append(st.listed, p)
}

func (st *state) find(provider, id string) *payment {
	return st.payments[provider+"/"+id]
}

// findAny looks an id up whatever the provider: ids are random, so at most one
// provider has it.
func (st *state) findAny(id string) *payment {
	for _, provider := range gateways() {
		if p := st.find(provider, id); p != nil {
			return p
		}
	}
	return nil
}
