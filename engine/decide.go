package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// ErrNotPossible is wrapped by the error about a decision that the payment's state doesn't
// allow.
var ErrNotPossible = errors.New("not possible for this payment")

// Check asks the provider about a payment now, whatever its schedule says.
func (e *Engine) Check(ctx context.Context, ref payment.Ref) (*payment.Record, error) {
	rec, err := e.Store.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	if settled(rec) {
		return rec, nil
	}
	if !e.begin() {
		return nil, payment.ErrClosed
	}
	defer e.running.Done()
	prov, err := e.providerFor(rec)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotPossible, err)
	}
	j := job{ref: ref, prov: prov, rules: e.Sites, worker: true}.as(rec)
	_, err, _ = e.Shared.settles.Do(string(ref), e.settling(context.WithoutCancel(ctx), j))
	if err != nil {
		return nil, err
	}
	return e.Store.Get(ctx, ref)
}

// Decide carries out a person's decision, and records who and why. version is that of the
// record that the person saw. If the record has changed since, nothing is done and the
// error is payment.ErrConflict.
func (e *Engine) Decide(ctx context.Context, ref payment.Ref, version uint64, d payment.Decision, note payment.Note) (*payment.Record, error) {
	rec, err := e.Store.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	if rec.Version != version {
		return rec, payment.ErrConflict
	}
	if e.Handing(rec) {
		return rec, errHanding
	}
	var take []payment.Key
	now := e.now()
	switch d {
	case payment.DecideAccept:
		if take, err = e.accept(ctx, rec, note, now); err != nil {
			return rec, err
		}
	case payment.DecideRedeliver:
		return e.redeliver(ctx, rec, note)
	case payment.DecideCredited:
		if rec.State == payment.Parked {
			e.joinTrack(rec, e.noted(ctx, rec))
		}
		err = rec.Decide(d, note, now)
	default:
		err = rec.Decide(d, note, now)
	}
	if err != nil {
		return rec, fmt.Errorf("%w: %w", ErrNotPossible, err)
	}
	if err := e.commit(ctx, rec, false, take...); err != nil {
		return nil, err
	}
	e.observe(EventDecided, rec, nil, false)
	e.wakeWorker()
	return rec, nil
}

// Handing reports whether the shop is being told of a payment just now. Nobody decides
// meanwhile: the shop may be crediting the order, and the record would not say so. When it has
// ended, or its process has died, the record says what became of it.
func (e *Engine) Handing(rec *payment.Record) bool {
	telling := rec.Relay != nil && rec.Relay.Open() && rec.State != payment.Parked
	return (telling || rec.State == payment.Delivering) && e.Store.Alive(rec.Lease)
}

var errHanding = fmt.Errorf("%w: the shop is being told of it just now: decide again when that has ended, which takes two minutes at most", ErrNotPossible)

// accept credits an order because a person decided so. It returns the keys that the record
// takes.
func (e *Engine) accept(ctx context.Context, rec *payment.Record, note payment.Note, now time.Time) ([]payment.Key, error) {
	if err := e.verifyGiven(ctx, rec); err != nil {
		return nil, err
	}
	if err := rec.Decide(payment.DecideAccept, note, now); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotPossible, err)
	}
	take, err := e.keysOf(ctx, rec)
	if err != nil {
		return nil, err
	}
	e.sell(rec, now)
	gen, err := e.generation(ctx)
	if err != nil {
		return nil, err
	}
	rec.Generation = gen.Seq
	return take, nil
}

// verifyGiven verifies a payment that an inquiry found paid and waiting, before it is
// accepted. Nothing has settled it, and if nobody verifies it in time the money goes back.
// Only a "yes" to this question credits the order.
func (e *Engine) verifyGiven(ctx context.Context, rec *payment.Record) error {
	if rec.State != payment.Review || rec.Reason != payment.ReasonUnannounced || rec.Receipt == nil || rec.Receipt.Again {
		return nil
	}
	prov, err := e.providerFor(rec)
	if err != nil {
		return err
	}
	if err := e.taken(ctx, rec, append(e.receipts(ctx, rec, prov), payment.IntentKey(rec.Issuer, rec.ID))); err != nil {
		return err // whoever has it asks: the shop itself, or a return that came again
	}
	// The marker: whatever becomes of the answer, this record has asked.
	now := e.now()
	rec.Attempts.Count++
	if rec.Attempts.First.IsZero() {
		rec.Attempts.First = now
	}
	rec.Attempts.Last, rec.Attempts.Open = now, true
	if err := e.commit(ctx, rec, false); err != nil {
		return err
	}
	a := e.call(context.WithoutCancel(ctx), prov, rec, prov.Verify)
	if a.Outcome != payment.OutcomePaid && a.Outcome != payment.OutcomeAgain || a.Receipt == nil || a.Receipt.Order != rec.Order || a.Receipt.Amount != rec.Receipt.Amount {
		return fmt.Errorf("%w: the provider was asked to verify it and did not (%s)", ErrNotPossible, a.Code)
	}
	rc := *a.Receipt
	rec.Receipt = &rc
	return nil
}

// keysOf returns the keys that an accepted payment takes. If its account is not configured
// any more, its issuer comes from the record.
func (e *Engine) keysOf(ctx context.Context, rec *payment.Record) ([]payment.Key, error) {
	policy, _ := e.Sites.Policy(rec)
	prov, err := e.providerFor(rec)
	if err != nil {
		today := asToday(rec, payment.Terms{}, policy, "")
		if !policy.Many && rec.OrderKnown() {
			if err := e.taken(ctx, today, orders(today, policy.Formerly)[1:]); err != nil {
				return nil, err
			}
		}
		return today.Keys(policy.Many), nil
	}
	return e.keys(ctx, rec, prov, policy, "")
}

// redeliver delivers a parked payment again, because a person has seen that the shop has not
// credited it.
func (e *Engine) redeliver(ctx context.Context, rec *payment.Record, note payment.Note) (*payment.Record, error) {
	if rec.State != payment.Parked {
		return rec, fmt.Errorf("%w: it is %s, not parked", ErrNotPossible, rec.State)
	}
	if rec.Expect.Unbound {
		return rec, fmt.Errorf("%w: its return names another order", ErrNotPossible)
	}
	if rec.OpenRefund() >= 0 {
		return rec, fmt.Errorf("%w: its money may be on its way back: say first what became of the refund", ErrNotPossible)
	}
	if e.playMoney(rec) {
		return rec, fmt.Errorf("%w: it was paid in the sandbox, and its provider is live now", ErrNotPossible)
	}
	if rec.Relay != nil {
		if !e.handsOver(rec) {
			return e.untell(ctx, rec, note)
		}
		// Its plugin asks during the hand-over, and must hear "first".
		if err := rec.Untell(e.now()); err != nil {
			return rec, fmt.Errorf("%w: %w", ErrNotPossible, err)
		}
	}
	p, ok := e.Sites.Policy(rec)
	if !ok || rec.Return == nil || rec.Return.URI == "" {
		return rec, fmt.Errorf("%w: no running site takes its return", ErrNotPossible)
	}
	if err := rec.Decide(payment.DecideRedeliver, note, e.now()); err != nil {
		return rec, fmt.Errorf("%w: %w", ErrNotPossible, err)
	}
	rec.RenewSale()
	if err := e.commit(ctx, rec, false); err != nil {
		return nil, err
	}
	e.observe(EventDecided, rec, nil, false)
	if err := e.deliver(context.WithoutCancel(ctx), rec, p); err != nil {
		return nil, err
	}
	return e.Store.Get(ctx, rec.Ref)
}

// Resend has a report tried again that was rejected or given up: the one to the webhook of
// that name or, if the name is empty, to the affiliate.
func (e *Engine) Resend(ctx context.Context, ref payment.Ref, webhook string, note payment.Note) (*payment.Record, error) {
	rec, err := e.Store.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	now, found := e.now(), false
	for i := range rec.Reports {
		p := &rec.Reports[i]
		if p.Kind.Conversion() != (webhook == "") || webhook != "" && p.To != webhook || !p.State.Failed() {
			continue
		}
		if p.Kind == payment.ReportSale && rec.State != payment.Delivered {
			continue
		}
		rec.ReopenReport(p, note, now)
		found = true
	}
	if !found || rec.State == payment.Verifying {
		return rec, fmt.Errorf("%w: there is no report to send again", ErrNotPossible)
	}
	if err := e.commit(ctx, rec, false); err != nil {
		return nil, err
	}
	e.wakeWorker()
	return rec, nil
}

// Retell sends a message to a webhook once more that it has taken before: its receiver
// may have lost it. It is a new message, with an id of its own.
func (e *Engine) Retell(ctx context.Context, ref payment.Ref, webhook string, kind payment.ReportKind, note payment.Note) (*payment.Record, error) {
	rec, err := e.Store.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	if _, ok := e.Webhooks[webhook]; !ok {
		return rec, fmt.Errorf("%w: no webhook %q is configured", ErrNotPossible, webhook)
	}
	if !rec.Told(webhook, kind) || rec.State == payment.Verifying {
		return rec, fmt.Errorf("%w: %s was not told of %s", ErrNotPossible, webhook, kind)
	}
	rec.Retell(webhook, kind, note, e.now())
	if err := e.commit(ctx, rec, false); err != nil {
		return nil, err
	}
	e.wakeWorker()
	return rec, nil
}

// Erase takes out of a finished payment what is known of its payer. The uniqueness keys
// stay.
func (e *Engine) Erase(ctx context.Context, ref payment.Ref, version uint64, note payment.Note) (*payment.Record, error) {
	rec, err := e.Store.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	if rec.Version != version {
		return rec, payment.ErrConflict
	}
	if err := rec.Erase(note, e.now()); err != nil {
		return rec, fmt.Errorf("%w: %w", ErrNotPossible, err)
	}
	if err := e.commit(ctx, rec, false); err != nil {
		return nil, err
	}
	return rec, nil
}
