package engine

import (
	"context"
	"errors"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// RelayGiveBack passes on a call that sends money back. The request is durable before: from
// then on the shop's return is not repeated, and on success the payment becomes reversed.
// While the shop is being told "paid", it is answered "later".
func (e *Engine) RelayGiveBack(ctx context.Context, c Relay) {
	ctx = context.WithoutCancel(ctx)
	prov, r, err := e.relayer(c.Provider)
	if err != nil || !e.begin() {
		c.Break()
		return
	}
	defer e.running.Done()
	if err := e.Store.Ready(); err != nil && c.Down != nil {
		c.Down(err, nil) // its create may stand in the file alone
		return
	}
	if err := e.readBefore(ctx, c.Ask.ID); err != nil {
		e.relayDown(r, c, err, nil)
		return
	}
	rec, err := e.giveBackMarked(ctx, prov, c)
	if err != nil {
		if errors.Is(err, errBeingTold) {
			c.Down = nil // the ledger is well
		}
		e.relayDown(r, c, err, nil)
		return
	}
	reply := e.relayRaw(ctx, prov, r, c)
	if rec != nil {
		e.givenBack(ctx, rec, r.ReadGivenBack(reply), reply.Unsent)
	}
	e.relayGive(c, reply)
}

var errBeingTold = errors.New("the shop asks for money back while it is being told that it was paid")

// giveBackMarked records the request. It returns nil without an error if the payment isn't
// known here.
func (e *Engine) giveBackMarked(ctx context.Context, prov Provider, c Relay) (*payment.Record, error) {
	for range claimTries {
		rec, err := e.relayFind(ctx, prov, c)
		if err != nil || rec == nil {
			return nil, err
		}
		if rec.Relay == nil {
			rec.Relay = new(payment.Relayed)
		}
		if rec.Relay.Open() && rec.State != payment.Parked || rec.State == payment.Verifying && e.Store.Alive(rec.Lease) {
			return nil, errBeingTold
		}
		rec.Relay.GivingBack = e.now()
		if err := e.commit(ctx, rec, false); !errors.Is(err, payment.ErrConflict) {
			return rec, err
		}
	}
	return nil, payment.ErrConflict
}

// givenBack records the outcome.
func (e *Engine) givenBack(ctx context.Context, rec *payment.Record, o payment.Outcome, unsent bool) {
	for range claimTries {
		next, now := rec.Clone(), e.now()
		alert := false
		switch {
		case o == payment.OutcomePaid && (next.State == payment.Created || next.State == payment.Unknown && next.Attempts.Unknown == 0):
			_ = next.EndUnasked(payment.Lapse, payment.ReasonReturned, now)
		case o == payment.OutcomePaid:
			note := payment.Note{By: "shop", Text: "the shop's own call, through the relay"}
			if err := next.Decide(payment.DecideRepaid, note, now); err != nil {
				next.Reason, next.UpdatedAt = payment.ReasonReturned, now // nothing was settled: there is nothing to reverse
			}
		case o == payment.OutcomeRefused || unsent:
			next.Relay.GivingBack = time.Time{}
		case next.State == payment.Verified:
			alert = next.ParkDelivery(payment.ReasonGiveBack, now) == nil
		default:
			alert = true // it stays marked, and is never handed over
		}
		err := e.commit(ctx, next, false)
		if err == nil {
			e.observe(EventGivenBack, next, nil, alert)
			return
		}
		fresh, getErr := e.Store.Get(ctx, rec.Ref)
		if getErr != nil || !errors.Is(err, payment.ErrConflict) {
			e.trouble(rec, err, true)
			return
		}
		rec = fresh
	}
}
