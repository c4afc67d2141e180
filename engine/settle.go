package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// job is one settlement: for a return, or by the worker.
type job struct {
	ref  payment.Ref
	ask  Ask
	prov Provider
	// rules are those of the return's route, or of the running sites.
	rules    Rules
	stranger bool
	// worker: nobody waits, and there may be no return.
	worker bool
	// settlesNot: the order is paid, so the question must settle nothing.
	settlesNot bool
	// inquires: the question is an inquiry, because a verify must not be sent or can't be.
	inquires bool
	// absent: there was no record a moment ago. If one was made since, the claim fails and
	// the record is read.
	absent bool
	// unpaid: the same look has seen that nobody has paid the order. Of two payments of
	// one order that are asked about at the same time, the keys decide.
	unpaid bool
	// found is the record as it was read a moment ago, if it says what should have been
	// paid. If it has changed since, the claim fails and the record is read again.
	found *payment.Record
	// relayed adds to the record what a shop's own ask leaves there; nil without one.
	relayed func(next *payment.Record)
	// heard adds what the shop has heard already, in the same change as the verdict; nil
	// for a question that is asked only now.
	heard func(next *payment.Record) error
	// take are keys of a claim that is recorded only with its verdict.
	take []payment.Key
}

// as returns the job with its record as it was just read. A record without an expectation is
// read again, because the shop would be asked for one, and must not be asked twice.
func (j job) as(rec *payment.Record) job {
	if j.found = nil; rec.Expect.Known() {
		j.found = rec
	}
	return j
}

const (
	// claimTries bounds the loop over conflicts with other owners.
	claimTries = 64
	// otherOwner is how often a record is read while another owner works.
	otherOwner = 100 * time.Millisecond
)

// settle claims a record, asks the provider and commits the outcome. It returns the record as
// it is afterwards.
func (e *Engine) settle(ctx context.Context, j job) (*payment.Record, error) {
	terms := j.prov.Terms()
	waited := time.Duration(0)
	// What the ledger knows of the account is read before anything is asked.
	e.account(ctx, j.prov)
	for tries := 0; tries < claimTries; {
		rec, err := e.load(ctx, j, terms)
		if err != nil {
			return nil, err
		}
		j.absent, j.found = false, nil
		if settled(rec) || !j.worker && e.tooSoon(rec, j.stranger) {
			return rec, nil
		}
		if rec.State == payment.Verifying && e.Store.Alive(rec.Lease) {
			if waited > e.leaseFor(j.prov) {
				return rec, nil
			}
			<-e.Clock.After(otherOwner)
			waited += otherOwner
			continue
		}
		rec, err = e.expect(ctx, j, rec)
		if err != nil {
			return rec, err
		}
		done := func() {}
		if policy, _ := j.rules.Policy(rec); j.worker && terms.GivesBack && !policy.Many && waited <= e.leaseFor(j.prov) {
			// Two payments of one order that wait must not both be taken, whoever
			// their providers are.
			var alone bool
			today := asToday(rec, terms, policy, j.ask.Site)
			if done, alone = e.Shared.alone(payment.OrderKey(today.Site, today.Environment, today.Order)); !alone {
				<-e.Clock.After(otherOwner)
				waited += otherOwner
				continue
			}
		}
		rec, err = e.attemptUnpaid(ctx, j, rec, terms, done)
		if errors.Is(err, payment.ErrConflict) {
			j.unpaid = false
			tries++
			continue
		}
		return rec, err
	}
	return nil, fmt.Errorf("claiming a payment: %w", payment.ErrConflict)
}

// load returns the record, or a new one that was not written yet.
func (e *Engine) load(ctx context.Context, j job, t payment.Terms) (*payment.Record, error) {
	if !j.absent {
		rec, err := e.read(ctx, j)
		if err == nil {
			if rec.Issuer != t.Issuer && t.AnswersFor(rec.Issuer) && !settled(rec) {
				rec.Issuer = t.Issuer // it is of an earlier key of this account
			}
			return rec, nil
		}
		if !errors.Is(err, payment.ErrNotFound) || j.worker {
			return nil, err
		}
	}
	return e.newRecord(ctx, t, payment.Record{
		Ref: j.ref, Site: j.ask.Site, Route: j.ask.Route, Provider: j.ask.Provider, ID: j.ask.Claimed.ID, Order: j.ask.Order,
	})
}

// newRecord returns a record of a provider's account that begins now, in the ledger's
// present generation. about says whose it is; nothing is written.
func (e *Engine) newRecord(ctx context.Context, t payment.Terms, about payment.Record) (*payment.Record, error) {
	gen, err := e.generation(ctx)
	if err != nil {
		return nil, err
	}
	about.Issuer, about.Environment, about.State, about.Generation = t.Issuer, t.Environment, payment.Created, gen.Seq
	about.CreatedAt = e.now()
	about.UpdatedAt = about.CreatedAt
	return &about, nil
}

func (e *Engine) read(ctx context.Context, j job) (*payment.Record, error) {
	if j.found != nil {
		return j.found.Clone(), nil
	}
	return e.Store.Get(ctx, j.ref)
}

// expect makes sure that the expectation is known before the provider is asked (rule 1).
func (e *Engine) expect(ctx context.Context, j job, rec *payment.Record) (*payment.Record, error) {
	e.binds(j, rec)
	if !rec.Expect.Known() {
		x, err := j.rules.Expect(ctx, rec)
		if j.stranger && j.ask.Asks && err != nil && !errors.Is(err, ErrUnanswered) && !errors.Is(err, ErrPaidHere) {
			e.Shared.limits.Refused(j.ask.Client, e.now()) // the shop was asked for nothing
		}
		switch {
		case errors.Is(err, ErrUnanswered):
			return e.awaitShop(ctx, j, rec)
		case err != nil:
			e.dropped(ctx, j, rec, err)
			return nil, err
		}
		x.Unbound = rec.Expect.Unbound
		rec.Expect = x
	}
	return rec, nil
}

// binds records whether the shop's own parameters name the record's order.
func (e *Engine) binds(j job, rec *payment.Record) {
	if j.worker || j.ask.Bound == nil {
		return
	}
	switch {
	case j.ask.Bound(rec.Order):
		rec.Expect.Unbound = false
	case !arrived(rec):
		rec.Expect.Unbound = true
	}
}

// awaitShop records a return whose shop has not said what it expects. The worker asks again.
func (e *Engine) awaitShop(ctx context.Context, j job, rec *payment.Record) (*payment.Record, error) {
	now := e.now()
	if (j.stranger || j.worker) && !e.Shared.limits.Hold(string(rec.Ref), j.ask.Client) {
		return nil, errRoom
	}
	e.remember(rec, j, now)
	// The longer it has waited, the more seldom: others want to be asked about, too.
	age := now.Sub(later(rec.CreatedAt, claimed(rec)))
	rec.Due = now.Add(spread(min(max(age/4, 20*time.Second), 10*time.Minute), 0.3, e.Rand()))
	enough := age > intentKept
	if enough {
		rec.Due = time.Time{}
		e.Shared.limits.Leave(string(rec.Ref))
	}
	rec.Reason, rec.UpdatedAt = payment.ReasonWaiting, now
	err := e.commit(ctx, rec, false)
	switch {
	case errors.Is(err, payment.ErrConflict):
		return nil, ErrUnanswered // somebody else wrote, and not this return
	case err != nil:
		e.Shared.limits.Leave(string(rec.Ref))
		return nil, err
	case enough:
		e.observe(EventUnknown, rec, ErrUnanswered, true)
	}
	return rec, ErrUnanswered
}

// orderPaid reports whether another payment has paid the order, if the money of a second one
// goes back by itself when nobody verifies it (rule 5). A payment that may have been
// verified is asked about all the same, because its money may be taken already.
//
// If the site that says how often an order may be paid is not in the running configuration,
// the error is errUnplaced as long as the money can wait.
func (e *Engine) orderPaid(ctx context.Context, rec *payment.Record, j job, t payment.Terms) (bool, error) {
	policy, placed := j.rules.Policy(rec)
	today := asToday(rec, t, policy, j.ask.Site)
	if j.unpaid || policy.Many || !t.GivesBack || rec.Attempts.Unknown > 0 || rec.Attempts.Open {
		return false, nil
	}
	paid, err := e.orderTaken(ctx, today, policy.Formerly)
	if err != nil || !paid {
		return false, err
	}
	paidAt := later(rec.CreatedAt, later(claimed(rec), rec.Attempts.Awaiting))
	if !placed && e.now().Before(paidAt.Add(window(t))) {
		return false, errUnplaced
	}
	return true, nil
}

// errUnplaced: no running site takes the payment, and only its policy tells.
var errUnplaced = errors.New("no running site takes this payment")
