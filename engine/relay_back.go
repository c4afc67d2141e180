package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// RelayGiveBack passes on a call that sends money back. The request is durable before: from
// then on the shop's return is not repeated. Only its success makes the payment reversed, a
// certain refusal changes nothing, and where nobody knows, a person is told. While the shop is
// being told "paid", or while nobody knows what became of an earlier call, it is answered
// "later". A call under the address of another site's shop gives nothing back.
func (e *Engine) RelayGiveBack(ctx context.Context, c Relay) {
	ctx = context.WithoutCancel(ctx)
	prov, r, err := e.relayer(c.Provider)
	if err != nil || !e.begin() {
		c.Break()
		return
	}
	defer e.running.Done()
	if err := e.Store.Ready(); err != nil && c.Down != nil {
		c.Down(err, nil) // its create may be in the file alone
		return
	}
	if err := e.readBefore(ctx, c.Ask.ID); err != nil {
		e.relayDown(r, c, err, nil)
		return
	}
	rec, wish, err := e.giveBackMarked(ctx, prov, c, "")
	if errors.Is(err, errOtherSite) {
		e.relayForeign(r, c)
		return
	}
	if err != nil {
		if errors.Is(err, errBeingTold) || errors.Is(err, payment.ErrTransition) {
			c.Down = nil // the ledger is well
		}
		e.relayDown(r, c, err, nil)
		return
	}
	reply := e.relayRaw(ctx, prov, r, c)
	if rec != nil {
		e.givenBack(ctx, rec, wish, backOf(r, wish, reply))
	}
	e.relayGive(c, reply)
}

// forgetBack ends a call that gives money back whose process ended before it: the gateway got
// it before what is asked now, or never.
func (e *Engine) forgetBack(rec *payment.Record) {
	if rec.Relay != nil && !e.Store.Alive(rec.Relay.Back) {
		rec.Relay.Back = payment.Lease{}
	}
}

// backOf reads the answer to a give-back. If certainly nothing was settled before, every
// complete answer that calls the request wrong has given nothing back, also where its code
// says "perhaps before" of a settled payment.
func backOf(r payment.Relayer, w payment.Wish, reply payment.RelayReply) payment.Outcome {
	o := r.ReadGivenBack(reply)
	wrong := reply.Err == nil && reply.Status >= http.StatusBadRequest && reply.Status < http.StatusInternalServerError && reply.Status != http.StatusRequestTimeout
	if reply.Unsent || o == payment.OutcomeUnknown && w.Early && wrong {
		return payment.OutcomeRefused
	}
	return o
}

// giveBackLease is longer than any call takes that gives money back.
const giveBackLease = time.Minute

var (
	errBeingTold = errors.New("the shop asks for money back while it is being told that it was paid")
	// errBackUnderWay: see [payment.Record.WantBack].
	errBackUnderWay = fmt.Errorf("%w: an earlier call of the shop's that gives the money back has not ended", payment.ErrTransition)
	errBackEnds     = errors.New("the shop asked for the money to be sent back, and whether it was is not known")
)

// giveBackMarked records the request. It returns nil without an error if the payment isn't
// known here. call names a call that has passed unrecorded, so that it is recorded once, however
// often it is read in; it is empty for a call that is made now.
func (e *Engine) giveBackMarked(ctx context.Context, prov Provider, c Relay, call string) (*payment.Record, payment.Wish, error) {
	kind := payment.KindRefund
	if p, is := prov.Provider.(payment.Reverser); is {
		if _, ok := p.ReverseTerms(); ok {
			kind = payment.KindReverse
		}
	}
	for range claimTries {
		rec, err := e.relayFind(ctx, prov, c)
		if err != nil || rec == nil {
			return nil, payment.Wish{}, err
		}
		if c.elsewhere(rec) {
			return nil, payment.Wish{}, errOtherSite
		}
		key := cmp.Or(call, refundKey(rec))
		if slices.ContainsFunc(rec.Refunds, func(f payment.Refund) bool { return f.Key == key }) {
			return rec, payment.Wish{Key: key}, nil // it was read in before
		}
		told := rec.State == payment.Parked || rec.State == payment.Reversed
		if rec.Relay != nil && rec.Relay.Open() && !told || rec.State == payment.Verifying && e.Store.Alive(rec.Lease) {
			return nil, payment.Wish{}, errBeingTold
		}
		if rec.Relay != nil && e.Store.Alive(rec.Relay.Back) {
			return nil, payment.Wish{}, errBackUnderWay
		}
		wish, err := rec.WantBack(kind, key, e.now(), e.lease(giveBackLease))
		if err != nil {
			return nil, wish, err
		}
		if err := e.commit(ctx, rec, false); !errors.Is(err, payment.ErrConflict) {
			return rec, wish, err
		}
	}
	return nil, payment.Wish{}, payment.ErrConflict
}

// givenBack records the outcome.
func (e *Engine) givenBack(ctx context.Context, rec *payment.Record, w payment.Wish, o payment.Outcome) {
	for range claimTries {
		next, now := rec.Clone(), e.now()
		var alert, contradicted bool
		next.EndWish(w, o, now)
		switch {
		case w.Key != "":
			var err error
			if contradicted, err = next.EndRefund(w.Key, payment.GivenBack{Outcome: backWords[o]}, now); err != nil {
				return // a person has said how it ended
			}
			if next.OpenRefund() >= 0 && next.State == payment.Verified {
				_ = next.ParkDelivery(payment.ReasonGiveBack, now)
			}
		case o == payment.OutcomePaid && (next.State == payment.Created || next.State == payment.Unknown && next.Attempts.Unknown == 0):
			_ = next.EndUnasked(payment.Lapse, payment.ReasonReturned, now)
		case o == payment.OutcomePaid:
			note := payment.Note{By: payment.ByShop, Text: "the shop's own call, through the relay"}
			if err := next.Decide(payment.DecideRepaid, note, now); err != nil {
				next.Reason, next.UpdatedAt = payment.ReasonReturned, now // nothing was settled: there is nothing to reverse
			}
		case o == payment.OutcomeRefused:
		case next.State == payment.Verified:
			alert = next.ParkDelivery(payment.ReasonGiveBack, now) == nil
		default:
			alert = true // it stays marked
		}
		err := e.commit(ctx, next, false)
		if err == nil {
			e.tellGivenBack(next, w, contradicted, alert)
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

// backWords says what a relayed answer means for an attempt.
var backWords = map[payment.Outcome]payment.GiveBackOutcome{
	payment.OutcomePaid: payment.GiveBackDone, payment.OutcomeRefused: payment.GiveBackRefused,
}

func (e *Engine) tellGivenBack(rec *payment.Record, w payment.Wish, contradicted, alert bool) {
	var why error
	if alert {
		why = errBackEnds
	}
	e.observe(EventGivenBack, rec, why, alert)
	switch {
	case contradicted:
		e.observe(EventRefunded, rec, errContradicted, true)
	case w.Key != "" && rec.OpenRefund() >= 0:
		e.observe(EventRefundUnknown, rec, errBackEnds, true)
	case w.Key != "":
		e.observe(EventRefunded, rec, nil, false)
	}
	e.wakeWorker()
}
