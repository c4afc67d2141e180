package forwarded

import (
	"slices"
	"sync"

	"github.com/rahgir/caddy-payments/payment"
)

// mostPending bounds the creates that are held in memory. Only a shop with our credentials
// makes any.
const mostPending = 100_000

// pending are the creates that passed and that the ledger may not know yet.
//
// Its invariant: from the moment that a shop has the answer to its create, the payment is
// found either here or in the ledger, after a restart too. A return and a verify are held
// to it like to any other.
type pending struct {
	mu     sync.Mutex
	loaded bool
	byID   map[string][]Mark // accounts may give out the same id
	order  []string
}

// Created returns the creates with a provider's id that the ledger may not know yet.
func (l *Log) Created(id string) []Mark {
	if l == nil || id == "" {
		return nil
	}
	p := &l.pending
	p.mu.Lock()
	defer p.mu.Unlock()
	l.load()
	return slices.Clone(p.byID[id])
}

// remember notes a create. It does so even if its mark could not be written.
func (l *Log) remember(m Mark) {
	if m.Kind != payment.RelayCreate || m.ID == "" {
		return
	}
	p := &l.pending
	p.mu.Lock()
	defer p.mu.Unlock()
	l.load()
	p.add(m)
}

// forget drops what the ledger knows now.
func (l *Log) forget(marks []Mark) {
	p := &l.pending
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.loaded {
		return // nobody has asked yet, and who asks finds that it was read in
	}
	for _, m := range marks {
		if m.Kind != payment.RelayCreate {
			continue
		}
		p.byID[m.ID] = slices.DeleteFunc(p.byID[m.ID], func(have Mark) bool { return have.Call == m.Call })
		if len(p.byID[m.ID]) == 0 {
			delete(p.byID, m.ID)
		}
	}
	// They are taken in the order in which they came, so what is left at the front is little.
	for len(p.order) > 0 && len(p.byID[p.order[0]]) == 0 {
		p.order = p.order[1:]
	}
}

func (p *pending) add(m Mark) {
	if slices.ContainsFunc(p.byID[m.ID], func(have Mark) bool { return have.Call == m.Call }) {
		return
	}
	if len(p.order) == mostPending {
		delete(p.byID, p.order[0])
		p.order = p.order[1:]
	}
	p.byID[m.ID] = append(p.byID[m.ID], m)
	p.order = append(p.order, m.ID)
}

// load reads, once, what an earlier process has left. p.mu is held.
func (l *Log) load() {
	p := &l.pending
	if p.loaded {
		return
	}
	p.loaded, p.byID = true, make(map[string][]Mark)
	// What can't be read here, reading in reports.
	_ = l.each(func(m Mark) {
		if m.Kind == payment.RelayCreate && m.ID != "" {
			p.add(m)
		}
	})
}
