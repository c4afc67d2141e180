package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/rahgir/caddy-payments/payment"
)

// The events of giving money back.
const (
	// EventRefunded: money was given back, or certainly not; the record says which.
	EventRefunded = "payment_refunded"
	// EventRefundUnknown: the provider was asked to give money back, and nobody knows
	// whether it did.
	EventRefundUnknown = "refund_unknown"
)

// GiveBack says how much a person wants to give back, and how.
type GiveBack struct {
	Kind payment.RefundKind
	// Amount in rials; 0 means all that is left.
	Amount payment.Rials
	// By and Note say who and why.
	By, Note string
	// Version is that of the record which the person saw; 0 compares nothing.
	Version uint64
}

// giver returns the provider's call that gives money back, or an error that says why it has
// none.
func (e *Engine) giver(rec *payment.Record, kind payment.RefundKind) (prov Provider, t payment.GiveBackTerms, ask func(context.Context, payment.GiveBack) payment.GivenBack, err error) {
	if prov, err = e.providerFor(rec); err != nil {
		return prov, t, nil, fmt.Errorf("%w: %w", ErrNotPossible, err)
	}
	ok := false
	if kind == payment.KindReverse {
		if p, is := prov.Provider.(payment.Reverser); is {
			t, ok = p.ReverseTerms()
			ask = p.Reverse
		}
	} else if p, is := prov.Provider.(payment.Refunder); is {
		t, ok = p.RefundTerms()
		ask = p.Refund
	}
	return prov, t, ask, able(rec, kind, ok)
}

func able(rec *payment.Record, kind payment.RefundKind, ok bool) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%w: the provider %s can't %s as it is configured: do it in its panel, and note it with `resolve`", ErrNotPossible, rec.Provider, kind)
}

// Repayable returns how much of a payment can be given back in this way, and on which terms.
// The error says why nothing can.
func (e *Engine) Repayable(rec *payment.Record, kind payment.RefundKind) (payment.Rials, payment.GiveBackTerms, error) {
	_, t, _, err := e.giver(rec, kind)
	if err != nil {
		return 0, t, err
	}
	left, err := rec.Repayable()
	switch {
	case err != nil:
		err = fmt.Errorf("%w: %w", ErrNotPossible, err)
	case left == 0:
		err = fmt.Errorf("%w: all of it went back or may have gone back", ErrNotPossible)
	}
	return left, t, err
}

// GiveBack gives money back.
//
// Invariant: the marker is durable before one byte goes to the provider. The provider is
// asked once for each marker. If its answer is unknown, nobody asks again before a person
// has said how it ended.
func (e *Engine) GiveBack(ctx context.Context, ref payment.Ref, g GiveBack) (*payment.Record, error) {
	if !e.begin() {
		return nil, payment.ErrClosed
	}
	defer e.running.Done()
	ctx = context.WithoutCancel(ctx)
	return again(g.Version, func() (*payment.Record, error) { return e.giveBack(ctx, ref, g) })
}

// errUnmarked: the record changed before the marker was written, so that nobody was asked.
var errUnmarked = fmt.Errorf("nothing was asked: %w", payment.ErrConflict)

// again repeats a person's wish that met another change of the record, such as a note that
// a webhook was sent. A person who names a version means that record and no other.
//
// Invariant: only what certainly did nothing is repeated.
func again(version uint64, do func() (*payment.Record, error)) (rec *payment.Record, err error) {
	for range claimTries {
		if rec, err = do(); version != 0 || !errors.Is(err, errUnmarked) {
			break
		}
	}
	return rec, err
}

func (e *Engine) giveBack(ctx context.Context, ref payment.Ref, g GiveBack) (*payment.Record, error) {
	rec, err := e.Store.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	if g.Version != 0 && g.Version != rec.Version {
		return rec, payment.ErrConflict
	}
	left, t, err := e.Repayable(rec, g.Kind)
	if err != nil {
		return rec, err
	}
	prov, _, ask, err := e.giver(rec, g.Kind)
	if err != nil {
		return rec, err
	}
	if g.Amount == 0 {
		g.Amount = left
	}
	// The key names this payment and this attempt. A second call with it asks for the
	// same refund.
	key := refundKey(rec)
	f := payment.Refund{Kind: g.Kind, Amount: g.Amount, Key: key, By: g.By, Note: g.Note}
	if err := rec.BeginRefund(f, t, e.now()); err != nil {
		return rec, fmt.Errorf("%w: %w", ErrNotPossible, err)
	}
	if err := e.commit(ctx, rec, false); err != nil {
		return nil, unmarked(err) // not one byte has gone out
	}
	q := payment.GiveBack{ID: rec.ID, Amount: g.Amount, Price: rec.Receipt.Amount, Key: key}
	if q.Price == 0 {
		q.Price = rec.Price()
	}
	if q.Number = rec.Receipt.Number; q.Number == "" {
		q.Number = rec.Proof
	}
	return e.endRefund(ctx, ref, key, e.callBack(ctx, rec.Ref, prov, ask, q))
}

func refundKey(rec *payment.Record) string {
	return fmt.Sprintf("%.16s-%d", string(rec.Ref), len(rec.Refunds)+1)
}

// callBack asks the provider within its time-out. After a panic the answer is unknown.
func (e *Engine) callBack(ctx context.Context, ref payment.Ref, prov Provider, ask func(context.Context, payment.GiveBack) payment.GivenBack, q payment.GiveBack) (a payment.GivenBack) {
	ctx, cancel := context.WithTimeout(ctx, prov.Timeout)
	defer cancel()
	if err := e.safely(ref, func() error { a = ask(ctx, q); return nil }); err != nil {
		return payment.GivenBack{Err: err}
	}
	return a
}

// endRefund records how the refund ended. If the record has changed meanwhile, it tries
// again.
func (e *Engine) endRefund(ctx context.Context, ref payment.Ref, key string, a payment.GivenBack) (*payment.Record, error) {
	var rec *payment.Record
	var contradicted bool
	var err error
	for range claimTries {
		if rec, err = e.Store.Get(ctx, ref); err != nil {
			continue // it stays marked
		}
		if contradicted, err = rec.EndRefund(key, a, e.now()); err != nil {
			return rec, fmt.Errorf("%w: %w", ErrNotPossible, err)
		}
		if err = e.commit(ctx, rec, false); err == nil {
			if contradicted {
				e.observe(EventRefunded, rec, errContradicted, true)
				return rec, nil
			}
			e.tellRefund(rec, a)
			return rec, nil
		}
		if !errors.Is(err, payment.ErrConflict) {
			break
		}
	}
	if rec != nil {
		e.observe(EventRefundUnknown, rec, err, true)
	}
	return rec, fmt.Errorf("the provider answered (%s), and that could not be written: %w", a.Code, err)
}

var errContradicted = errors.New("the provider gave the money back, though a person had noted that it did not: compare what went back with the provider's panel")

func (e *Engine) tellRefund(rec *payment.Record, a payment.GivenBack) {
	switch {
	case rec.OpenRefund() >= 0:
		e.observe(EventRefundUnknown, rec, a.Err, true)
	case a.Outcome == payment.GiveBackOperator:
		e.observe(EventOperator, rec, a.Err, true)
	default:
		e.observe(EventRefunded, rec, a.Err, false)
	}
	e.wakeWorker()
}

// lostRefund gives a refund to a person, if its process ended before it had an answer.
//
// Invariant: an attempt whose end nobody knows is somebody's: it was alarmed, and it waits
// in the lists of what needs a person until one has said how it ended. The alarm comes
// before the commit, because two alarms are a nuisance and none is forgotten money.
func (e *Engine) lostRefund(ctx context.Context, rec *payment.Record) error {
	if err := rec.LoseRefund(e.now()); err != nil {
		return err
	}
	e.observe(EventRefundUnknown, rec, nil, true)
	return ignoreConflict(e.commit(ctx, rec, false))
}

// SettleRefund records what a person found out about a refund whose answer was lost.
func (e *Engine) SettleRefund(ctx context.Context, ref payment.Ref, version uint64, done bool, by, note string) (*payment.Record, error) {
	return again(version, func() (*payment.Record, error) { return e.settleRefund(ctx, ref, version, done, by, note) })
}

func unmarked(err error) error {
	if errors.Is(err, payment.ErrConflict) {
		return errUnmarked
	}
	return err
}

func (e *Engine) settleRefund(ctx context.Context, ref payment.Ref, version uint64, done bool, by, note string) (*payment.Record, error) {
	rec, err := e.Store.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	if version != 0 && version != rec.Version {
		return rec, payment.ErrConflict
	}
	if err := rec.SettleRefund(done, payment.Refund{By: by, Note: note}, e.now()); err != nil {
		return rec, fmt.Errorf("%w: %w", ErrNotPossible, err)
	}
	if err := e.commit(ctx, rec, false); err != nil {
		return nil, unmarked(err)
	}
	e.observe(EventRefunded, rec, nil, false)
	e.wakeWorker()
	return rec, nil
}
