package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rahgir/caddy-payments/engine/limit"
	"github.com/rahgir/caddy-payments/payment"
)

// relayDue does the next step of a relayed payment. done is false if the payment is treated
// like any other: after an ask without an answer, the worker asks again.
func (e *Engine) relayDue(ctx context.Context, rec *payment.Record) (done bool, err error) {
	switch rec.State {
	case payment.Created:
		if e.settlesHere(rec) || admitted(rec) {
			return false, nil
		}
		return true, e.relayUnasked(ctx, rec)
	case payment.Declined, payment.Expired:
		switch open := e.now().Before(rec.CreatedAt.Add(relayLink)); {
		case open && e.settlesHere(rec):
			return false, nil
		case open && e.rescues(rec) == RescueAway:
			return true, e.awaitRoute(ctx, rec) // only a verify route has it looked at before its end
		}
		return true, e.relayForget(ctx, rec)
	case payment.Verified:
		if e.handsOver(rec) && !rec.BackPending() {
			return false, nil
		}
		if rec.Relay.CertainlyHeard() && !rec.BackPending() {
			return true, e.relayHeard(ctx, rec)
		}
		return true, e.relayUnheard(ctx, rec)
	case payment.Delivering:
		if rec.Delivery.Via != payment.ViaRelay {
			return false, nil
		}
		return true, e.relayLapsed(ctx, rec)
	case payment.Parked, payment.Review:
		return true, e.relayRests(ctx, rec)
	}
	return false, nil
}

// Settler is Sites of which some verify relayed payments by routes of their own.
type Settler interface {
	// Settles reports whether a verify route, and no observe route, takes the return of a
	// record: it is verified and handed over by us.
	Settles(r *payment.Record) bool
}

// settlesHere reports whether we look after a relayed payment as after any other: its site has
// said so by a verify route.
//
// Invariant: what is paid, and of which the return's address is known, is either looked after
// by a verify route or by the shop's own return; a return that was admitted is asked about.
func (e *Engine) settlesHere(rec *payment.Record) bool {
	if rec.Return == nil || rec.Return.URI == "" || !rec.Relay.GivingBack.IsZero() {
		return false
	}
	s, ok := e.Sites.(Settler)
	return ok && s.Settles(rec)
}

// admitted: a verify route took the customer's return, and nobody could be asked at that moment.
func admitted(rec *payment.Record) bool { return arrived(rec) && rec.Reason == payment.ReasonWaiting }

// handsOver: a verify route settled the payment, or began to deliver it, so a verify route
// delivers it; or one takes its return, and nobody has heard "first". The plugin only asks
// meanwhile: whoever delivers claims the record before, so it isn't told beside a hand-over
// what its page hears in it.
func (e *Engine) handsOver(rec *payment.Record) bool {
	switch {
	case rec.Delivery.Via == payment.ViaBrowser || rec.Delivery.Via == payment.ViaWorker:
		return true
	case !rec.State.Captured():
		return false
	}
	return rec.Relay.Asked == 0 && arrived(rec) || !rec.Relay.Heard() && e.settlesHere(rec)
}

// relayUnasked looks after a create about which the shop hasn't asked. It settles nothing. If
// an inquiry says "paid, not verified", it repeats the shop's own return, and the plugin
// settles.
//
// Invariant: only what is written, seen or over puts it off to the end of its pay link; a line
// that is missing now does not.
func (e *Engine) relayUnasked(ctx context.Context, rec *payment.Record) error {
	now := e.now()
	if !now.Before(rec.CreatedAt.Add(relayLink)) {
		return e.relayLapse(ctx, rec)
	}
	prov, err := e.providerFor(rec)
	if err != nil {
		return e.orphaned(ctx, rec, err)
	}
	ends := rec.CreatedAt.Add(relayLink)
	if rec.Relay.Asked == 0 && rec.Relay.ReplayedAt.IsZero() && e.rescues(rec) == RescueAway {
		return e.awaitRoute(ctx, rec)
	}
	// What verify needs comes with the customer alone: a return without it would only fail.
	if !inquires(prov) || proofless(prov.Terms(), rec) || rec.Relay.Asked > 0 || !rec.Relay.ReplayedAt.IsZero() || !e.mayReplay(rec) {
		return e.reschedule(ctx, rec, ends)
	}
	if rec.Relay.Page == payment.PageOpen && now.Sub(rec.Relay.PageAt) < PageLimit {
		return e.reschedule(ctx, rec, rec.Relay.PageAt.Add(PageLimit)) // its customer is with the shop
	}
	a, asked := e.inquire(ctx, prov, rec, false)
	if !asked {
		return e.reschedule(ctx, rec, now.Add(limit.BreakerMost))
	}
	switch a.Outcome {
	case payment.OutcomeAwaiting:
		if rec.Attempts.Awaiting.IsZero() {
			// Its customer may be on the way back: the shop's own turn comes first.
			rec.Attempts.Awaiting = now
			rec.Due = now.Add(browserGrace)
			return ignoreConflict(e.commit(ctx, rec, true))
		}
		return e.replay(ctx, rec)
	case payment.OutcomeOperator:
		e.observe(EventOperator, rec, a.Err, true)
	}
	rec.Attempts.Unasked++
	at := e.nextIdle(rec, true)
	if at.IsZero() {
		at = ends
	}
	return e.reschedule(ctx, rec, at)
}

func (e *Engine) relayLapse(ctx context.Context, rec *payment.Record) error {
	if err := rec.EndUnasked(payment.Lapse, payment.ReasonNotPaid, e.now()); err != nil {
		return err
	}
	return e.reschedule(ctx, rec, e.now())
}

// relayForget forgets a payment that nobody paid, once it can't be paid any more.
func (e *Engine) relayForget(ctx context.Context, rec *payment.Record) error {
	if at := rec.CreatedAt.Add(relayLink); e.now().Before(at) {
		return e.reschedule(ctx, rec, at)
	}
	err := e.Store.Forget(ctx, rec.Ref, rec.Version)
	if errors.Is(err, payment.ErrConflict) {
		return e.reschedule(ctx, rec, time.Time{})
	}
	return err
}

// relayUnheard looks after a settled payment of which the shop has not heard, because the
// answer was lost. It repeats the shop's own return; if that doesn't help, a person decides. If no
// route takes the return now, the payment waits for one, as any other that is paid.
func (e *Engine) relayUnheard(ctx context.Context, rec *payment.Record) error {
	switch old, err := e.perhapsTold(ctx, rec); {
	case err != nil:
		return err
	case old:
		return e.parkOld(ctx, rec)
	}
	now := e.now()
	switch at := later(rec.Attempts.Last, rec.Delivery.Last).Add(browserGrace); {
	case now.Before(at):
		return e.reschedule(ctx, rec, at) // the caller may still be there, or its customer
	case rec.Relay.Page == payment.PageOpen && now.Sub(rec.Relay.PageAt) < PageLimit:
		return e.reschedule(ctx, rec, rec.Relay.PageAt.Add(PageLimit))
	}
	if rec.Relay.ReplayedAt.IsZero() && !rec.Relay.Heard() {
		if e.rescues(rec) == RescueAway {
			return e.unplaced(ctx, rec)
		}
		if rec.Reason == payment.ReasonNoRoute {
			rec.Reason = ""
		}
		if e.mayReplay(rec) {
			return e.replay(ctx, rec)
		}
	}
	why := payment.ReasonAbsent
	switch {
	case !rec.Relay.GivingBack.IsZero():
		why = payment.ReasonGiveBack
	case rec.Relay.Heard():
		why = payment.ReasonTold // while the ledger was away: the shop may have credited
	case gaveUpReturning(rec):
		why = payment.ReasonUnreachable
	case e.NeedsSession(rec):
		why = payment.ReasonNeedsSession
	}
	if err := rec.ParkDelivery(why, now); err != nil {
		return err
	}
	return e.park(ctx, rec)
}

// relayHeard begins to hand over a payment that was settled after the shop had heard "first":
// the call had passed while nothing could be recorded. Its end, and a page that is open, are
// relayLapsed's.
func (e *Engine) relayHeard(ctx context.Context, rec *payment.Record) error {
	now := e.now()
	e.joinTrack(rec, e.noted(ctx, rec))
	if err := rec.HandHeard(now, e.lease(tellLease)); err != nil {
		return err
	}
	if err := e.commit(ctx, rec, false); err != nil {
		return ignoreConflict(err)
	}
	return e.relayLapsed(ctx, rec)
}

// relayLapsed ends a telling whose node has gone, or gives up a page that never came.
func (e *Engine) relayLapsed(ctx context.Context, rec *payment.Record) error {
	if _, ended := e.Shared.pages.get(rec.Ref); ended {
		e.endPage(ctx, rec.Ref)
		fresh, err := e.Store.Get(ctx, rec.Ref)
		if err != nil || fresh.Version != rec.Version {
			return err
		}
	}
	now := e.now()
	var err error
	switch l := rec.Relay; {
	case l.Open() && e.Store.Alive(rec.Lease):
		return e.reschedule(ctx, rec, rec.Lease.Until)
	case l.Open():
		err = rec.CutOff(now)
	case e.pageWaits(rec, now):
		return e.reschedule(ctx, rec, l.PageAt.Add(PageLimit))
	case l.Page == payment.PageOpen:
		err = rec.LosePage(now)
	case l.CertainlyHeard():
		err = rec.EndHeard(now)
	default:
		err = rec.ParkDelivery(payment.ReasonHeardNoAck, now)
	}
	if err != nil {
		return err
	}
	outcome := countRelayed(rec)
	e.keepParked(rec)
	if err := e.commit(ctx, rec, false); err != nil {
		return ignoreConflict(err)
	}
	e.tellRelayed(ctx, rec, true)
	e.counted(EventHanded, rec, outcome)
	return nil
}

// pageWaits reports whether somebody waits for the page of an open return. A page whose node
// has gone proves nothing any more, and keeps no later return from being proof.
func (e *Engine) pageWaits(rec *payment.Record, now time.Time) bool {
	l := rec.Relay
	ends := l.PageAt.Add(PageLimit)
	return l.Page == payment.PageOpen && now.Before(ends) && e.Store.Alive(payment.Lease{Owner: l.PageBy, Until: ends})
}

// relayRests alerts a person, and deletes an answer that was kept long enough.
func (e *Engine) relayRests(ctx context.Context, rec *payment.Record) error {
	if ends := relayKeptUntil(rec); !ends.IsZero() && !e.now().Before(ends) {
		rec.Relay.Kept, rec.Relay.KeptAt = nil, time.Time{}
		return e.reschedule(ctx, rec, time.Time{})
	}
	e.repeatAlert(ctx, rec)
	return nil
}

// relayKeptUntil returns when a record that waits for a person is due once more, to delete the
// kept answer; zero means never.
func relayKeptUntil(rec *payment.Record) time.Time {
	if rec.Relay == nil || len(rec.Relay.Kept) == 0 {
		return time.Time{}
	}
	return rec.Relay.KeptAt.Add(payment.RelayKept)
}

// untell lets the shop hear "first" of a parked payment again, because a person has seen that
// the shop has not credited it. Its return is repeated, or its customer comes back.
func (e *Engine) untell(ctx context.Context, rec *payment.Record, note payment.Note) (*payment.Record, error) {
	now := e.now()
	gen, err := e.generation(ctx)
	if err != nil {
		return nil, err
	}
	if err := rec.Decide(payment.DecideRedeliver, note, now); err != nil {
		return rec, fmt.Errorf("%w: %w", ErrNotPossible, err)
	}
	if err := rec.Untell(now); err != nil {
		return rec, fmt.Errorf("%w: %w", ErrNotPossible, err)
	}
	rec.Generation = gen.Seq
	rec.RenewSale()
	if err := e.commit(ctx, rec, false); err != nil {
		return nil, err
	}
	e.observe(EventDecided, rec, nil, false)
	if e.mayReplay(rec) {
		if err := e.replay(context.WithoutCancel(ctx), rec); err != nil {
			return nil, err
		}
	}
	return e.Store.Get(ctx, rec.Ref)
}
