package engine

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/rahgir/caddy-payments/engine/limit"
	"github.com/rahgir/caddy-payments/payment"
)

// Refusal is a message about a payment that can't be used: an announcement with an unreadable
// amount, a return that nothing announced, an order that the shop does not know. Each
// becomes an event with the true reason, and leaves a trace that a person finds.
type Refusal struct {
	Site, Provider string
	// ID and Order as the message named them; either may be empty.
	ID, Order string
	// Amount in rials, if the message named one.
	Amount payment.Rials
	// Reason is one of ReasonUnannounced, ReasonUnusable, ReasonUnknownOrder, ReasonPaidBefore,
	// ReasonOrderPaid, ReasonCalledPaid, ReasonStray, ReasonOldGeneration and ReasonForeign.
	Reason payment.Reason
	// Claims: it is a return that claims paid, so the provider may be asked.
	Claims bool
	// Client is what strangers are counted by; empty for messages of the shop.
	Client string
	// Err says more, without secrets.
	Err error
}

const (
	// traceKept is how long a trace is kept.
	traceKept = 30 * 24 * time.Hour
	// traceText bounds an id or an order in a trace.
	traceText = 128
)

var refusals = map[payment.Reason]string{
	payment.ReasonUnannounced: EventUnannounced, payment.ReasonUnusable: EventUnusable, payment.ReasonUnknownOrder: EventUnknownOrder,
	payment.ReasonPaidBefore: EventPaidBefore, payment.ReasonStray: EventUnrouted, payment.ReasonForeign: EventForeign,
	payment.ReasonOldGeneration: EventForgotten, payment.ReasonOrderPaid: EventPaidBefore, payment.ReasonCalledPaid: EventPaidBefore,
}

// reasonOf returns why a claim is dropped before its provider was asked, and false where it is not
// dropped: it waits, or the ledger is in trouble.
func reasonOf(err error) (payment.Reason, bool) {
	switch {
	case errors.Is(err, errOrderTaken):
		return payment.ReasonOrderPaid, true
	case errors.Is(err, ErrOrderPaid):
		return payment.ReasonCalledPaid, true
	case errors.Is(err, ErrUnknownOrder):
		return payment.ReasonUnknownOrder, true
	case errors.Is(err, ErrForeign):
		return payment.ReasonForeign, true
	}
	return "", false
}

// dropped tells of a claim that is dropped before its provider was asked, because of what the shop
// says or because its order is paid. One that has a record is found by that.
//
// The invariant: whatever claims to be paid and is dropped leaves an event and something that
// `list` finds, both with its order, its id and the true reason.
func (e *Engine) dropped(ctx context.Context, j job, rec *payment.Record, err error) {
	why, ok := reasonOf(err)
	switch {
	case !ok || j.worker && !rec.Attempts.Claimed && rec.Attempts.Awaiting.IsZero():
		// It waits, or nobody has said that it is paid.
	case j.worker || rec.Version > 0:
		e.Observer.Observe(Event{Name: eventOf(why), Record: rec, Provider: rec.Provider, Site: rec.Site, ID: rec.ID, Order: rec.Order, Reason: why, Err: err, Alert: true})
	default:
		e.Refused(ctx, Refusal{
			Site: rec.Site, Provider: rec.Provider, ID: rec.ID, Order: rec.Order, Reason: why,
			Claims: j.ask.Claimed.Hint == payment.HintPaid, Client: j.ask.Client, Err: err,
		})
	}
}

// eventOf returns the event of a reason.
func eventOf(r payment.Reason) string { return cmp.Or(refusals[r], EventForeign) }

// Refused reports a refusal and keeps its trace: a Declined record without keys and without
// a return, under a name of its own, so that it hinders no later payment. It never fails:
// if the trace can't be kept, the message is refused all the same.
func (e *Engine) Refused(ctx context.Context, r Refusal) {
	ev := Event{Name: eventOf(r.Reason), Provider: r.Provider, Site: r.Site, ID: clip(r.ID), Order: clip(r.Order), Reason: r.Reason, Err: r.Err, Alert: true}
	if ev.Err == nil {
		ev.Err = errors.New(string(r.Reason))
	}
	if e.Shared.limits.MayLeaveTrace(r.Client, e.now()) {
		ev.Record = e.trace(ctx, r)
	}
	e.Observer.Observe(ev)
}

// trace keeps a refusal. It returns nil if that is kept already, or can't be.
func (e *Engine) trace(ctx context.Context, r Refusal) *payment.Record {
	if e.Store.Ready() != nil || !e.begin() {
		return nil
	}
	defer e.running.Done()
	gen, err := e.generation(ctx)
	if err != nil {
		return nil
	}
	now := e.now()
	rec := &payment.Record{
		Site: r.Site, Provider: r.Provider, ID: clip(r.ID), Order: clip(r.Order),
		State: payment.Declined, Reason: r.Reason, Generation: gen.Seq,
		Expect:    payment.Expectation{Amount: r.Amount},
		CreatedAt: now, UpdatedAt: now, Due: now.Add(traceKept),
	}
	prov, err := e.provider(r.Provider)
	if err == nil {
		t := prov.Terms()
		rec.Issuer, rec.Environment = t.Issuer, t.Environment
	}
	if err == nil && r.Claims && r.Reason == payment.ReasonUnannounced && rec.ID != "" && rec.Order != "" && inquires(prov) {
		rec.Due = now
	}
	// Not the name that a payment of this id and order would have.
	rec.Ref = payment.NewRef(r.Site, "refused|"+rec.Issuer, rec.ID, rec.Order)
	if err := e.commit(context.WithoutCancel(ctx), rec, true); err != nil {
		return nil
	}
	if rec.Due.Equal(now) {
		e.wakeWorker()
	}
	return rec
}

// isTrace: the record is no payment but the trace of a refusal.
func isTrace(r *payment.Record) bool {
	if r.State != payment.Declined || r.Expect.Known() || r.Attempts.Count > 0 || r.Return != nil {
		return false
	}
	_, refused := refusals[r.Reason]
	return refused
}

func inquires(p Provider) bool {
	_, ok := p.Provider.(payment.Inquirer)
	return ok
}

func clip(s string) string {
	if len(s) > traceText {
		s = s[:traceText]
	}
	return s
}

// unannounced refuses a return that no intent, signature or look-up explains.
func (e *Engine) unannounced(ctx context.Context, a Ask) {
	e.Refused(ctx, Refusal{
		Site: a.Site, Provider: a.Provider, ID: a.Claimed.ID, Order: a.Order, Reason: payment.ReasonUnannounced,
		Claims: a.Claimed.Hint == payment.HintPaid, Client: a.Client, Err: ErrUnannounced,
	})
}

// oldTrace looks after a trace that is due. It forgets the trace, or asks the provider whether
// a payment that nothing announced was paid.
func (e *Engine) oldTrace(ctx context.Context, rec *payment.Record) error {
	if e.now().Sub(rec.CreatedAt) >= traceKept {
		return ignoreConflict(e.Store.Forget(ctx, rec.Ref, rec.Version))
	}
	kept := rec.CreatedAt.Add(traceKept)
	prov, err := e.providerFor(rec)
	if err != nil || !inquires(prov) || rec.Reason != payment.ReasonUnannounced || rec.Attempts.Unasked > 0 {
		return e.reschedule(ctx, rec, kept)
	}
	a, asked := e.inquire(ctx, prov, rec, true)
	if !asked {
		return e.reschedule(ctx, rec, e.now().Add(limit.BreakerWait))
	}
	rec.Attempts.Unasked++
	rc := a.Receipt
	paid := a.Outcome == payment.OutcomeAwaiting || a.Outcome == payment.OutcomeAgain
	if !paid || rc == nil || rc.Order != rec.Order || rc.ID != "" && rc.ID != rec.ID || rc.Amount <= 0 {
		return e.reschedule(ctx, rec, kept)
	}
	// It is paid, and a person must know. Nothing was settled: where the money goes
	// back by itself unless it is verified, giving the order verifies first.
	if err := rec.Found(a, e.now()); err != nil {
		return err
	}
	e.keepForAlert(rec)
	if err := e.commit(ctx, rec, false); err != nil {
		return ignoreConflict(err)
	}
	e.alert(ctx, EventReview, rec, ErrUnannounced)
	return nil
}

// inquire asks a provider without settling, in its lane and through its breaker. asked says
// whether it was asked.
func (e *Engine) inquire(ctx context.Context, prov Provider, rec *payment.Record, stranger bool) (a payment.Answer, asked bool) {
	inquirer, ok := prov.Provider.(payment.Inquirer)
	if !ok {
		return a, false
	}
	host := hostOf(prov.Terms())
	laneCtx, cancel := context.WithTimeout(ctx, prov.Timeout)
	leave, err := e.Shared.hosts.Enter(laneCtx, host, stranger)
	cancel()
	if err != nil {
		return a, false
	}
	defer leave()
	breaker := e.Shared.hosts.Breaker(host)
	probe, ok := breaker.Allow(e.now())
	if !ok {
		return a, false
	}
	a = e.callFor(ctx, prov, rec, OperationInquire, inquirer.Inquire)
	if a.Unmade {
		breaker.Cancel(probe)
		return a, true
	}
	if breaker.Done(probe, a.Outcome != payment.OutcomeUnknown, e.now()) {
		e.observe(EventBreaker, rec, a.Err, true)
	}
	return a, true
}
