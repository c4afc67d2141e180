package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/rahgir/caddy-payments/payment"
)

// Ask is a customer's return, read and bounded: what the browser claims, and what the
// site's configuration says about it.
type Ask struct {
	Site, Route, Provider string
	// Formerly are the site's former names. Records under them belong to the site.
	Formerly []string
	Claimed  payment.Claimed
	// Ref is our own signed reference in the return URL, after its signature was checked;
	// empty if there is none.
	Ref payment.Ref
	// Order is the order that the return names by the provider's parameter, the route's
	// placeholder or the shop's signature; empty if it names none.
	Order string
	// Proof: the return has a valid signature of the shop.
	Proof bool
	// Expect returns what an id should have paid; it is nil if only intents count.
	Expect func(ctx context.Context, id string) (payment.Expectation, error)
	// Asks: Expect asks the shop. Then strangers' returns are paced, and a return that
	// waits for its turn is recorded without asking.
	Asks   bool
	Policy Policy
	// Bound reports whether the shop's own parameters name this order; nil means yes.
	Bound func(order string) bool
	// Sole reports whether no other route of the site is of this gateway; nil means no.
	Sole func() bool
	// Return is the whole request. If it is large, only Lean is kept until the provider
	// has said that it is paid: the parameters by which the site's route recognises it.
	Return payment.Return
	Lean   *payment.Return
	// Client is what strangers are counted by: an IPv4 address or an IPv6 /64.
	Client string
	// Patience is how long the browser waits.
	Patience time.Duration
	// Turn, if set, waits until nobody with proof needs the processor. A return that proves
	// nothing is recorded within such a turn, which ends with leave.
	Turn Turn
}

// String returns the kind in one word, for traces.
func (k Kind) String() string {
	return [...]string{
		"pending", "verified", "duplicate", "declined", "parked", "review", "order_paid", "ambiguous", "foreign", "busy", "unavailable",
	}[k]
}

// Result is the engine's answer to a return.
type Result struct {
	Kind   Kind
	Record *payment.Record
	// Bound: the return has proved that it belongs to the record, so its id and order may
	// be shown.
	Bound bool
	Err   error
}

// admitted is Admit, uncounted.
func (e *Engine) admitted(ctx context.Context, a Ask) Result {
	gone := ctx.Done()
	ctx = context.WithoutCancel(ctx)
	prov, err := e.provider(a.Provider)
	if err != nil {
		return Result{Kind: Unavailable, Err: err}
	}
	rec, unpaid, err := e.find(ctx, prov, a)
	switch {
	case errors.Is(err, errForgotten) && a.Claimed.Hint != payment.HintUnpaid:
		// Its customer has paid as far as anybody knows, and is not told the contrary.
		e.Refused(ctx, Refusal{Site: a.Site, Provider: a.Provider, ID: a.Claimed.ID, Order: a.Order, Reason: payment.ReasonOldGeneration, Client: a.Client, Err: err})
		return Result{Kind: Review, Err: err}
	case errors.Is(err, ErrForeign) && a.Claimed.Hint == payment.HintUnpaid:
		// Answered like an unpaid claim of an id that nobody knows, and written nowhere
		// like it: whose the id is, is no stranger's business.
		return Result{Kind: Declined}
	case errors.Is(err, ErrForeign):
		e.Refused(ctx, Refusal{Site: a.Site, Provider: a.Provider, ID: a.Claimed.ID, Order: a.Order, Reason: payment.ReasonForeign, Client: a.Client, Err: err})
		return Result{Kind: Foreign, Err: err}
	case errors.Is(err, payment.ErrMalformed):
		return Result{Kind: Ambiguous, Err: err}
	case err != nil:
		return Result{Kind: Unavailable, Err: err}
	}
	if rec != nil && rec.Reason == payment.ReasonBinding {
		rec = e.bind(ctx, rec, a)
	}
	if rec != nil && settled(rec) {
		return e.answer(rec, a)
	}
	if a.Claimed.Hint == payment.HintUnpaid && rec != nil && rec.Attempts.Claimed && unanswered(rec) {
		return e.answer(rec, a) // another return claims the contrary, and is being asked for
	}
	if a.Claimed.Hint == payment.HintUnpaid {
		// Documented as unpaid: believed for this page, written nowhere.
		return Result{Kind: Declined, Record: rec, Bound: rec != nil && proven(rec, a)}
	}
	if rec == nil && a.Expect == nil {
		e.unannounced(ctx, a)
		return Result{Kind: Foreign, Err: ErrUnannounced}
	}
	if err := e.Store.Ready(); err != nil && (rec == nil || !errors.Is(err, payment.ErrFull)) {
		return Result{Kind: Unavailable, Err: err}
	}
	if rec != nil {
		own, err := e.providerFor(rec)
		if err != nil {
			return e.unaskable(ctx, rec, a, err)
		}
		prov = own
	}
	if unproved(prov.Terms(), rec, a.Claimed) {
		return Result{Kind: Ambiguous, Record: rec, Err: fmt.Errorf("%w: nothing in it that could be verified", payment.ErrMalformed)}
	}
	return e.admit(ctx, gone, prov, rec, unpaid, a)
}

// unproved: verify needs something that only a return brings, and no return has brought it.
// The provider is never asked about such a payment.
func unproved(t payment.Terms, rec *payment.Record, c payment.Claimed) bool {
	return t.ProvesInReturn && c.Proof == "" && (rec == nil || rec.Proof == "") || len(c.Proof) > payment.MaxProof
}

func (e *Engine) admit(ctx context.Context, gone <-chan struct{}, prov Provider, rec *payment.Record, unpaid bool, a Ask) Result {
	terms := prov.Terms()
	stranger := !a.Proof && (rec == nil || unexplained(rec) && rec.State != payment.Verifying)
	if rec != nil && e.tooSoon(rec, stranger) {
		return e.notYet(ctx, rec, a, stranger)
	}
	if rec == nil && a.Proof && !e.Shared.limits.MayBring(a.Site+"\n"+a.Order, e.now()) {
		return Result{Kind: Pending, Err: ErrForeign}
	}
	j := job{ask: a, prov: prov, rules: asked{a, e.Sites}, stranger: stranger}
	if rec != nil {
		j.ref = rec.Ref
		j = j.as(rec)
	} else {
		// A shop that is asked what it expects must not be asked twice.
		j.absent = a.Proof
		j.unpaid = a.Proof && unpaid
		j.ref = payment.NewRef(a.Site, terms.Issuer, a.Claimed.ID, a.Order)
	}
	start, leave := e.now(), func() {}
	if stranger {
		if place, now := e.Shared.together(j.ref, a.Client, start); now {
			leave = place
		} else if res, done := e.inTurn(ctx, j, rec); done {
			return res
		}
	}
	return e.settleOnce(ctx, gone, j, a.Patience-e.now().Sub(start), leave)
}

// inTurn records a stranger's return without asking the provider. The return is well formed,
// may be a customer's, and may be all that is ever known of a payment. The worker asks
// when its turn comes. done is false if another return of the payment was quicker, so that
// there is an answer already, or the provider is being asked.
func (e *Engine) inTurn(ctx context.Context, j job, rec *payment.Record) (res Result, done bool) {
	if rec != nil && (rec.Reason == payment.ReasonWaiting || unanswered(rec)) {
		return Result{Kind: Pending, Record: rec, Bound: proven(rec, j.ask)}, true
	}
	if !e.begin() {
		return Result{Kind: Unavailable, Err: payment.ErrClosed}, true
	}
	defer e.running.Done()
	wait, ok := e.Shared.limits.Queue(string(j.ref), j.ask.Client, e.now())
	if !ok {
		if rec == nil {
			return Result{Kind: Busy}, true
		}
		return Result{Kind: Pending}, true
	}
	v, err, _ := e.Shared.admissions.Do(string(j.ref), func() (any, error) {
		// Also if its browser leaves: it is recorded in any case.
		defer j.ask.Turn.take(ctx)()
		return e.keepTurn(ctx, j, wait)
	})
	kept, _ := v.(*payment.Record)
	if err != nil || kept == nil {
		e.Shared.limits.Leave(string(j.ref))
		return e.conclude(ctx, j, kept, cmp.Or(err, payment.ErrConflict)), true
	}
	if !unanswered(kept) || kept.State == payment.Verifying {
		e.Shared.limits.Leave(string(j.ref))
		return Result{}, false
	}
	return Result{Kind: Pending, Record: kept, Bound: proven(kept, j.ask)}, true
}

// keepTurn records the return in its lean form, for the worker to ask after wait. If
// somebody else has changed the record meanwhile, it reads the record again. A record
// that is being asked about, or has its answer, is returned unchanged.
func (e *Engine) keepTurn(ctx context.Context, j job, wait time.Duration) (*payment.Record, error) {
	for range claimTries {
		rec, err := e.load(ctx, j, j.prov.Terms())
		if err != nil {
			return nil, err
		}
		j.absent, j.found = false, nil
		if settled(rec) || unanswered(rec) || e.tooSoon(rec, j.stranger) {
			return rec, nil
		}
		if j.ask.Asks {
			e.binds(j, rec) // the shop is asked when its turn has come
		} else if rec, err = e.expect(ctx, j, rec); err != nil {
			return rec, err
		}
		now := e.now()
		e.remember(rec, j, now)
		rec.Reason, rec.UpdatedAt, rec.Due = payment.ReasonWaiting, now, now.Add(wait)
		err = e.commit(ctx, rec, false)
		if err == nil {
			return rec, nil
		}
		if !errors.Is(err, payment.ErrConflict) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("keeping a return: %w", payment.ErrConflict)
}

// settleOnce runs a job once for all callers that want it, and waits until it ends, the
// browser's patience ends, or the browser leaves. over is called when the work has ended.
func (e *Engine) settleOnce(ctx context.Context, gone <-chan struct{}, j job, patience time.Duration, over func()) Result {
	if !e.begin() {
		over()
		return Result{Kind: Unavailable, Err: payment.ErrClosed}
	}
	came := e.now()
	ch := e.Shared.settles.DoChan(string(j.ref), e.settling(ctx, j))
	done := make(chan Result, 1)
	end := func(r singleflight.Result) {
		defer e.running.Done()
		defer over()
		rec, _ := r.Val.(*payment.Record)
		if r.Err == nil && rec != nil && !settled(rec) && !rec.Attempts.Claimed {
			// The worker asked, before this return came: a "no" to that is none to
			// this.
			again := j
			again.absent, again.found = false, nil
			r = <-e.Shared.settles.DoChan(string(j.ref), e.settling(ctx, again))
			rec, _ = r.Val.(*payment.Record)
		}
		if r.Err == nil && rec != nil && e.tooSoon(rec, j.stranger) && arrived(rec) && rec.Return.Arrived.Before(came.Add(-joinSpan)) {
			// The worker's question, or an earlier return's.
			done <- e.notYet(ctx, rec, j.ask, j.stranger)
			return
		}
		done <- e.conclude(ctx, j, rec, r.Err)
	}
	late := e.Clock.After(max(patience, 0))
	select {
	case r := <-ch:
		if rec, _ := r.Val.(*payment.Record); r.Err == nil && rec != nil && rec.State.Captured() {
			end(r) // which waits for nothing then
			return <-done
		}
		go end(r)
		select {
		case res := <-done:
			return res
		case <-gone:
		case <-late:
		}
	case <-gone:
		go func() { end(<-ch) }()
	case <-late:
		go func() { end(<-ch) }()
	}
	rec, err := e.Store.Get(ctx, j.ref)
	if err != nil || !recorded(rec) {
		return Result{Kind: Pending}
	}
	return Result{Kind: Pending, Record: rec, Bound: proven(rec, j.ask)}
}

func (e *Engine) conclude(ctx context.Context, j job, rec *payment.Record, err error) Result {
	switch {
	case errors.Is(err, ErrUnknownOrder), errors.Is(err, ErrForeign):
		return Result{Kind: Declined, Err: err}
	case errors.Is(err, ErrOrderPaid):
		bound := rec != nil && proven(rec, j.ask) || errors.Is(err, ErrPaidHere)
		return Result{Kind: OrderPaid, Record: rec, Bound: bound, Err: err}
	case errors.Is(err, errRoom):
		return Result{Kind: Busy, Err: err}
	case errors.Is(err, ErrUnanswered):
		return Result{Kind: Pending, Record: rec, Err: err}
	case err != nil && (rec == nil || rec.Version == 0 || !recorded(rec)):
		// Nothing of it is on record: the same return must come again.
		return Result{Kind: Unavailable, Err: err}
	case rec == nil:
		return Result{Kind: Pending}
	}
	return e.answer(rec, j.ask)
}

// settled: nothing that the provider could say now would change the answer.
func settled(r *payment.Record) bool {
	return r.State.Captured() || r.State == payment.Review || r.State == payment.Reversed || r.Dismissed()
}

// unanswered: the provider is being asked, or a return waits for that.
func unanswered(r *payment.Record) bool {
	return r.State == payment.Verifying || r.State == payment.Unknown || r.Reason == payment.ReasonWaiting
}

// recorded: the payment goes on without another return. A payment that was announced, or
// declined once, has a record too, but that record knows nothing of a return that failed.
func recorded(r *payment.Record) bool {
	return settled(r) || unanswered(r) || r.State == payment.Created && arrived(r)
}

// unexplained: only a return has told of the payment, and anybody can make one.
func unexplained(r *payment.Record) bool {
	return r.Expect.Source == payment.FromNone || !r.Expect.Known()
}

// proven: the return proves that it belongs to the record.
func proven(r *payment.Record, a Ask) bool {
	return a.Proof || a.Ref != "" || Proven(r)
}

// Proven reports whether the record's id alone proves that a visitor belongs to its order,
// because our checkout, the shop's lookup or an announcement has bound the two.
func Proven(r *payment.Record) bool {
	return r.Expect.Source == payment.FromIntent || r.Expect.Source == payment.FromLookup && r.Expect.Unconsumed
}

// answer says what a browser is told of a record as it stands, by a return of its own.
func (e *Engine) answer(r *payment.Record, a Ask) Result {
	// What was captured was captured for this id and this order: the provider's
	// answer, or the shop's, has bound the pair that the return brings.
	res := Result{Kind: KindOf(r), Record: r, Bound: proven(r, a) || r.State.Captured()}
	if a.Bound != nil && !a.Bound(r.Order) {
		res.Bound = false
		if r.State.Captured() {
			// A true receipt on a return that names another order: neither
			// credited nor delivered by this request.
			res.Kind, res.Err = Review, fmt.Errorf("%w: %s", ErrForeign, payment.ReasonBinding)
		}
	}
	return res
}
