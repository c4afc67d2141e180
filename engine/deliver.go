package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rahgir/caddy-payments/internal/failpoint"
	"github.com/rahgir/caddy-payments/payment"
)

// ErrNotNow is wrapped by the error of [Engine.Deliver] if somebody else delivers the
// payment or has delivered it. The returned record says how it ended.
var ErrNotNow = errors.New("this payment is not to be delivered now")

// Delivery says who delivers a payment, and how.
type Delivery struct {
	Via payment.Via
	// Browser is a hash of the browser's cookie.
	Browser string
	// Track is the visit that the browser remembers, nil without one.
	Track  *payment.Track
	Policy Policy
}

// Deliver delivers a verified payment to the shop. It claims the delivery durably before the
// shop is called (rule 7), joins the visitor's track (rule 11), calls hand once, with the
// record as it is then, and records the result. It returns the record as it is afterwards.
//
// rec was just read or committed, and is not changed. If its delivery has changed since, it
// is not delivered; changes by reports or by a buyer who opened paid content don't matter.
// If hand was not called, the error says why; it wraps ErrNotNow if somebody else was
// first. hand may take [DeliveryTime]. If it panics, nobody knows what the shop was told.
func (e *Engine) Deliver(ctx context.Context, rec *payment.Record, d Delivery, hand func(context.Context, *payment.Record) Handed) (*payment.Record, error) {
	if !e.beginHandOver() {
		return rec, ErrStopping
	}
	defer e.endHandOver()
	rec, err := e.startDelivery(ctx, rec, d.Via, d.Browser, d.Track, d.Policy)
	if err != nil {
		return rec, err
	}
	defer e.running.Done()
	handCtx, cancel := context.WithTimeout(ctx, DeliveryTime)
	defer cancel()
	handCtx, end := e.span(handCtx, SpanDeliver, rec.Ref)
	began := e.now()
	var handed Handed
	panicked := e.safely(rec.Ref, func() error {
		handed = hand(handCtx, rec)
		return nil
	})
	end(rec, string(d.Via)+" "+handed.word(), cmp.Or(panicked, handed.missed()))
	if took := e.now().Sub(began); took >= SlowDelivery {
		e.Observer.Observe(Event{Name: EventSlow, Site: rec.Site, Provider: rec.Provider, ID: rec.ID, Order: rec.Order, Took: took, Err: errSlow, Alert: e.Shared.firstSlow(rec.Site, e.now())})
	}
	rec, err = e.finishDelivery(ctx, rec, handed, d.Policy)
	return rec, cmp.Or(err, panicked)
}

// errSlow is what is told of a delivery that takes long.
var errSlow = errors.New("the shop's page took 30 seconds or longer to answer, and its customer waited; `timeout` bounds the wait for the provider only")

// word is what became of a hand-over, in one of the Delivery… words.
func (h Handed) word() string {
	switch {
	case h.Acked:
		return DeliveryAcked
	case h.Refused:
		return DeliveryRefused
	case h.Gated, h.Unsent:
		return DeliveryUnsent
	}
	return DeliveryUnacked
}

// missed is an error where the shop has not proved that it credited.
func (h Handed) missed() error {
	if h.Acked {
		return nil
	}
	return fmt.Errorf("the shop did not take it: %s, status %d", h.word(), h.Status)
}

// startDelivery begins one; running.Done must be called once where it returns no error.
func (e *Engine) startDelivery(ctx context.Context, rec *payment.Record, via payment.Via, browser string, track *payment.Track, p Policy) (*payment.Record, error) {
	for range claimTries {
		next, err := e.tryDelivery(ctx, rec.Clone(), via, browser, track, p)
		if !errors.Is(err, payment.ErrConflict) {
			return next, err
		}
		fresh, err := e.Store.Get(ctx, rec.Ref)
		if err != nil {
			return nil, err
		}
		if fresh.State != rec.State || fresh.Delivery.Count != rec.Delivery.Count || fresh.Lease.Epoch != rec.Lease.Epoch {
			return fresh, ErrNotNow
		}
		rec = fresh
	}
	return rec, ErrNotNow
}

func (e *Engine) tryDelivery(ctx context.Context, rec *payment.Record, via payment.Via, browser string, track *payment.Track, p Policy) (*payment.Record, error) {
	if rec.State == payment.Delivering && (p.Once || e.Store.Alive(rec.Lease)) || rec.State == payment.Parked && via == payment.ViaBrowser {
		return rec, ErrNotNow
	}
	if e.playMoney(rec) {
		return rec, fmt.Errorf("%w: it was paid in the sandbox, and its provider is live now", ErrNotNow)
	}
	if lost, err := e.perhapsDelivered(ctx, rec, p); err != nil || lost {
		return rec, cmp.Or(err, ErrNotNow)
	}
	if track == nil {
		track = e.noted(ctx, rec)
	}
	joined := e.joinTrack(rec, track)
	if err := rec.StartDelivery(via, browser, e.now(), e.lease(deliveryLease)); err != nil {
		return rec, fmt.Errorf("%w: %w", ErrNotNow, err)
	}
	if err := e.commit(ctx, rec, !p.Once && !joined); err != nil {
		return nil, err
	}
	if !e.begin() {
		// The store is about to close: nothing has been sent, and the record says
		// so as soon as it can.
		_, _ = e.finishDelivery(ctx, rec, Handed{Unsent: true}, p)
		return rec, ErrNotNow
	}
	failpoint.Hit(failpoint.DeliveryDurable)
	e.observe(EventDelivering, rec, nil, false)
	return rec, nil
}

// perhapsDelivered parks a payment that was verified in an older generation, if the shop
// would credit it twice. The ledger was restored or has lost its end since then, and may
// have forgotten that the shop was told.
func (e *Engine) perhapsDelivered(ctx context.Context, rec *payment.Record, p Policy) (bool, error) {
	if !p.Once || rec.State != payment.Verified {
		return false, nil
	}
	gen, err := e.generation(ctx)
	if err != nil || rec.Generation == gen.Seq {
		return false, err
	}
	if err := rec.ParkDelivery(payment.ReasonOldGeneration, e.now()); err != nil {
		return false, err
	}
	return true, e.park(ctx, rec)
}

// Gated parks a verified payment that a `require` keeps from the shop, before its delivery
// has begun. Nothing was sent, and another attempt would change nothing.
func (e *Engine) Gated(ctx context.Context, rec *payment.Record) (*payment.Record, error) {
	rec = rec.Clone()
	if err := rec.ParkDelivery(payment.ReasonGated, e.now()); err != nil {
		return rec, fmt.Errorf("%w: %w", ErrNotNow, err)
	}
	return rec, e.park(ctx, rec)
}

// finishDelivery records how a delivery ended. If somebody else has changed the record
// meanwhile (a buyer who opened paid content), it tries again, so that the shop's answer
// isn't lost.
func (e *Engine) finishDelivery(ctx context.Context, rec *payment.Record, h Handed, p Policy) (*payment.Record, error) {
	failpoint.Hit(failpoint.ShopAnswered)
	base := rec
	if h.Acked && h.IfHeard {
		base, h.Acked = e.heardBy(ctx, rec)
	}
	for range claimTries {
		now := e.now()
		next := base.Clone()
		name, alert, lazy, err := e.handed(next, h, p, now)
		if err != nil {
			return base, err
		}
		outcome := countHanded(next, h)
		err = e.commit(ctx, next, lazy)
		if err == nil {
			failpoint.Hit(failpoint.Delivered)
			e.counted(EventHanded, next, outcome)
			if alert {
				e.alert(ctx, name, next, nil)
				return next, nil
			}
			e.observe(name, next, nil, name == EventMissed && stubborn(next))
			if next.Earliest().Equal(now) {
				e.wakeWorker()
			}
			return next, nil
		}
		fresh, getErr := e.Store.Get(ctx, rec.Ref)
		if getErr != nil {
			return rec, err
		}
		if !errors.Is(err, payment.ErrConflict) || fresh.State != payment.Delivering ||
			fresh.Lease.Owner != rec.Lease.Owner || fresh.Lease.Epoch != rec.Lease.Epoch {
			return fresh, nil
		}
		base = fresh
	}
	return base, payment.ErrConflict
}

// heardBy reports whether the shop's own call heard "first", and returns the record as
// it stands: PHP answers before our note of its hearing is on record.
func (e *Engine) heardBy(ctx context.Context, rec *payment.Record) (*payment.Record, bool) {
	for waited := time.Duration(0); ; waited += relayPoll {
		now, err := e.Store.Get(ctx, rec.Ref)
		if err != nil || now.State != rec.State || now.Lease.Epoch != rec.Lease.Epoch {
			return rec, false
		}
		if now.Relay == nil || !now.Relay.Open() || waited >= relayTelling {
			return now, now.Relay.Heard()
		}
		<-e.Clock.After(relayPoll)
	}
}

// handed changes a record as the shop's answer to a delivery says.
func (e *Engine) handed(next *payment.Record, h Handed, p Policy, now time.Time) (name string, alert, lazy bool, err error) {
	park := func(why payment.Reason) (string, bool, bool, error) {
		err := next.ParkDelivery(why, now)
		e.keepForAlert(next)
		return EventParked, true, false, err
	}
	switch {
	case h.Acked:
		return EventDelivered, false, true, next.Deliver(h.Status, h.Location, now)
	case h.Refused:
		// It said no, and would say it again: a person must look, and nothing is
		// reported.
		return park(payment.ReasonShopRefused)
	case h.Gated:
		return park(payment.ReasonGated)
	case p.Once && !h.Unsent:
		return park(payment.ReasonNoProof)
	}
	at, ok := afterMiss(next, now, e.Rand())
	switch {
	case !ok && h.Unsent:
		return park(payment.ReasonUnreachable)
	case !ok:
		return park(payment.ReasonGaveUp)
	case h.Unsent:
		if parksAbsent(next, p) {
			// The worker would only park it. So its browser gets its time anew with
			// each such answer, as long as a delivery is tried at all (afterMiss).
			at = later(at, now.Add(graceAfter(next.Delivery.Via)))
		}
		return EventMissed, false, true, next.UndoDelivery(payment.ReasonUnreachable, now, at)
	}
	return EventMissed, false, true, next.MissDelivery(payment.ReasonNoProof, now, at)
}

// stubbornAt is the delivery without proof after which a person hears of a payment that
// is repeated: about eight minutes after the first.
const stubbornAt = 6

// stubborn reports, once for each payment, that a shop which answers doesn't confirm it. It
// may refuse this payment alone (another sum, a cancelled order), while it takes all others
// and looks well. Until somebody decides, the order counts as paid, and no other payment of
// it is taken.
func stubborn(r *payment.Record) bool {
	return r.Reason == payment.ReasonNoProof && r.Delivery.Count == stubbornAt
}

// Await waits until nobody works on a payment any more, or patience ends, and returns the
// payment as it is then.
func (e *Engine) Await(ctx context.Context, ref payment.Ref, patience time.Duration) (*payment.Record, error) {
	deadline := e.now().Add(patience)
	for {
		rec, err := e.Store.Get(ctx, ref)
		if err != nil {
			return nil, err
		}
		busy := rec.State == payment.Verifying || rec.State == payment.Delivering && e.Store.Alive(rec.Lease)
		if !busy || !e.now().Before(deadline) {
			return rec, nil
		}
		select {
		case <-e.Clock.After(otherOwner):
		case <-ctx.Done():
			return rec, nil
		}
	}
}

// parksAbsent: without its customer the payment is parked, and not handed over.
func parksAbsent(rec *payment.Record, p Policy) bool {
	return p.Park && !rec.Expect.Checkout && !rec.HasDecided(payment.DecideAccept)
}

// graceAfter is how long a payment waits for its browser after a hand-over of which the shop
// has certainly taken nothing.
func graceAfter(via payment.Via) time.Duration {
	if via == payment.ViaBrowser {
		return shopGrace
	}
	return browserGrace // a person had it handed over, and hears soon that it failed
}

// customersTurn returns until when a payment waits for its browser though its time has passed,
// because nobody could come meanwhile: its site was in no configuration, or the ledger was not
// open or did not work. Zero means that its customer has had the time.
func (e *Engine) customersTurn(rec *payment.Record) time.Time {
	now := e.now()
	if rec.Reason == payment.ReasonNoRoute {
		rec.Reason = ""
		return now.Add(browserGrace)
	}
	opened := e.Shared.since(now)
	if ends := opened.Add(browserGrace); rec.Due.Before(opened) && now.Before(ends) {
		return ends
	}
	return time.Time{}
}

// handOver delivers a verified payment for which no browser came.
func (e *Engine) handOver(ctx context.Context, rec *payment.Record) error {
	p, ok := e.Sites.Policy(rec)
	if !ok {
		return e.unplaced(ctx, rec)
	}
	// One that a person gave though nothing announced it has no return to hand over
	// with: the shop must be told by that person.
	if parks := parksAbsent(rec, p); parks || rec.Return == nil || rec.Return.URI == "" {
		if at := e.customersTurn(rec); parks && !at.IsZero() {
			return e.reschedule(ctx, rec, at)
		}
		if err := rec.ParkDelivery(payment.ReasonAbsent, e.now()); err != nil {
			return err
		}
		return e.park(ctx, rec)
	}
	return e.deliver(ctx, rec, p)
}

// unplaced keeps a paid payment that no running site takes until one does, and alerts the owner.
func (e *Engine) unplaced(ctx context.Context, rec *payment.Record) error {
	if rec.Reason != payment.ReasonNoRoute {
		rec.Reason = payment.ReasonNoRoute
		e.observe(EventMissed, rec, nil, true)
	}
	return e.reschedule(ctx, rec, e.now().Add(time.Minute))
}

// lapsed resumes a delivery whose owner died, or that is due again.
func (e *Engine) lapsed(ctx context.Context, rec *payment.Record) error {
	if e.Store.Alive(rec.Lease) {
		return e.reschedule(ctx, rec, rec.Lease.Until)
	}
	p, ok := e.Sites.Policy(rec)
	if !ok {
		return e.unplaced(ctx, rec)
	}
	if p.Once {
		if err := rec.ParkDelivery(payment.ReasonOwnerDied, e.now()); err != nil {
			return err
		}
		return e.park(ctx, rec)
	}
	return e.deliver(ctx, rec, p)
}

// deliver delivers a payment with the return that was kept. If a person accepted it though
// its return names another order, it is parked and that person must tell the shop: a shop
// that finds its order by that parameter would credit the wrong one.
func (e *Engine) deliver(ctx context.Context, rec *payment.Record, p Policy) error {
	if play := e.playMoney(rec); play || rec.Expect.Unbound {
		why := payment.ReasonBinding
		if play {
			why = payment.ReasonSandbox
		}
		if err := rec.ParkDelivery(why, e.now()); err != nil {
			return err
		}
		return e.park(ctx, rec)
	}
	_, err := e.Deliver(ctx, rec, Delivery{Via: payment.ViaWorker, Policy: p}, e.Sites.Deliver)
	if errors.Is(err, ErrNotNow) {
		return nil
	}
	return err
}
