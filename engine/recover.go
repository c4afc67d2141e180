package engine

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// What a provider lists as paid and unverified may be unknown here: the ledger was lost,
// the create did not pass through us, or the account is shared. Where the list names the
// callback and it leads to one of our sites, the payment is brought back within its window.
//
// The invariant: nothing is settled on the list's word. A shop that verifies by itself
// gets its own return; a route that verifies gets it as well, and explains it by a
// look-up or a signature, or not at all.

// Back is where a callback leads.
type Back struct {
	Site, Route string
	// Order is the one that the callback names where the route says; empty if it names none.
	Order string
	// Formerly are the site's other names.
	Formerly []string
	Return   *payment.Return
	// Observed: the shop there verifies by itself; Relayed: its calls pass through us.
	Observed, Relayed bool
}

// Recoverer is Sites to which callbacks lead.
type Recoverer interface {
	// Back is where a callback leads; false where none of our routes takes it.
	Back(ctx context.Context, provider, callback string) (Back, bool)
	// Bring makes the customer's return to a site that verifies, which records and
	// settles it if it can explain it. It never panics.
	Bring(ctx context.Context, provider, id string, b Back)
}

// mostBrought bounds the memory for listed payments that are not ours.
const mostBrought = 1000

// metBefore reports whether a listed payment was met long enough ago that its customer
// would be back, and not brought back in the last hour.
func (s *Shared) metBefore(issuer, id string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := issuer + "\n" + id
	met, ok := s.brought[name]
	if !ok {
		for old, at := range s.brought {
			if now.Sub(at) > time.Hour {
				delete(s.brought, old)
			}
		}
		if len(s.brought) < mostBrought {
			s.brought[name] = now
		}
		return false
	}
	if met.After(now) || now.Sub(met) < browserGrace {
		return false
	}
	s.brought[name] = now.Add(time.Hour)
	return true
}

// broughtBefore reports, once for each time that a listed payment was brought back, that it
// is still listed and that nobody has looked what became of it.
func (s *Shared) broughtBefore(issuer, id string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := issuer + "\n" + id
	until, ok := s.brought[name]
	if !ok || !until.After(now) || s.brought[name+"\n"].Equal(until) {
		return false
	}
	s.brought[name+"\n"] = until
	return true
}

var errUnexplained = errors.New("its gateway lists it as paid and not verified, and nothing explains the return that was made for its customer: the shop's look-up doesn't know its order, names another payment for it, or calls the order paid; look in the shop and in the gateway's panel, because the money goes back unless somebody verifies it in time")

// unexplained tells of a payment that was brought back to a site that verifies, and of which
// the ledger has nothing but a trace of its refusal all the same. The trace knows its order.
func (e *Engine) unexplained(ctx context.Context, name, id string, back Back) error {
	page, err := e.Store.List(ctx, payment.Listing{ID: id, Limit: mostTraces})
	if err != nil {
		return err
	}
	order := back.Order
	for _, rec := range page.Records {
		if !isTrace(rec) {
			return nil
		}
		if rec.Site == back.Site && rec.Provider == name {
			order = cmp.Or(order, rec.Order)
		}
	}
	e.Refused(ctx, Refusal{Site: back.Site, Provider: name, ID: id, Order: order, Reason: payment.ReasonUnannounced, Err: errUnexplained})
	return nil
}

// mostTraces bounds how many traces of one id are read.
const mostTraces = 32

// recover brings back what nobody knows here.
func (e *Engine) recover(ctx context.Context, prov Provider, p payment.Pending) error {
	sites, ok := e.Sites.(Recoverer)
	if !ok || p.Callback == "" {
		return nil
	}
	again := e.Shared.broughtBefore(prov.Terms().Issuer, p.ID, e.now())
	if !again && !e.Shared.metBefore(prov.Terms().Issuer, p.ID, e.now()) {
		return nil
	}
	name, back := "", Back{}
	for _, name = range e.namesOf(prov.Terms().Issuer) {
		if back, ok = sites.Back(ctx, name, p.Callback); ok {
			break
		}
	}
	if !ok || name == "" {
		return nil
	}
	switch {
	case again && back.Observed:
		return nil
	case again:
		return e.unexplained(ctx, name, p.ID, back)
	}
	if !back.Observed {
		return e.safely("", func() error {
			sites.Bring(ctx, name, p.ID, back)
			return nil
		})
	}
	t := prov.Terms()
	rec, err := e.newRecord(ctx, t, payment.Record{
		Ref: payment.NewRef(back.Site, t.Issuer, p.ID, p.ID), Site: back.Site, Route: back.Route, Provider: name, ID: p.ID, Order: p.ID, Return: back.Return,
	})
	if err != nil {
		return err
	}
	rec.Attempts.Awaiting, rec.Due = rec.CreatedAt, rec.CreatedAt
	if back.Relayed {
		rec.Relay = &payment.Relayed{Callback: p.Callback}
	} else {
		rec.Observed = new(payment.Observed)
	}
	err = e.commit(ctx, rec, false, payment.IntentKey(t.Issuer, p.ID))
	var taken *payment.TakenError
	if errors.As(err, &taken) {
		return nil
	}
	if err == nil {
		e.wakeWorker()
	}
	return ignoreConflict(err)
}

// listedObserved notes that an observed payment is paid and that its shop has not
// verified it.
func (e *Engine) listedObserved(ctx context.Context, rec *payment.Record) error {
	if rec.State != payment.Created || !rec.Attempts.Awaiting.IsZero() {
		return nil
	}
	now := e.now()
	rec.Attempts.Awaiting, rec.UpdatedAt = now, now
	if at := now.Add(browserGrace); rec.Due.IsZero() || at.Before(rec.Due) {
		rec.Due = at
	}
	return ignoreConflict(e.commit(ctx, rec, true))
}
