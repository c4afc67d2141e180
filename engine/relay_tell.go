package engine

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/rahgir/caddy-payments/internal/failpoint"
	"github.com/rahgir/caddy-payments/payment"
)

// tellFirst tells the shop "first". It records the telling durably before the first byte, and
// whether it was heard after the last. It reports whether the ask was answered. If not,
// another ask was quicker, and the caller looks at the record again.
func (e *Engine) tellFirst(ctx context.Context, r payment.Relayer, c Relay, rec *payment.Record) (done bool) {
	next := rec.Clone()
	if next.Relay == nil {
		next.Relay = new(payment.Relayed)
	}
	reply := e.keptReply(next, r, c)
	if next.State == payment.Verified || next.State == payment.Parked {
		e.joinTrack(next, e.noted(ctx, next))
	}
	if err := next.Tell(c.asker(), e.now(), e.lease(tellLease)); err != nil {
		return false
	}
	err := e.commit(ctx, next, false)
	switch {
	case errors.Is(err, payment.ErrConflict):
		return false
	case err != nil:
		// Whether it is on record isn't known, so not one byte goes out.
		e.askDown(c, err)
		c.Break()
		return true
	}
	failpoint.Hit(failpoint.DeliveryDurable)
	e.observe(EventDelivering, next, nil, false)
	heard := c.Say(reply)
	failpoint.Hit(failpoint.ShopAnswered)
	e.endTelling(ctx, next, heard)
	return true
}

// endTelling records whether "first" was heard. If the record has changed meanwhile, it tries
// again.
func (e *Engine) endTelling(ctx context.Context, rec *payment.Record, heard bool) {
	epoch := rec.Relay.Told.Epoch
	for range claimTries {
		now := e.now()
		next := rec.Clone()
		var err error
		if heard {
			err = next.Hear(epoch, now, now.Add(PageLimit))
		} else {
			err = next.Unhear(epoch, now, now.Add(browserGrace))
		}
		if err != nil {
			return // it was cut off meanwhile: a person has it
		}
		e.keepParked(next)
		outcome := countRelayed(next)
		// A power cut that loses this leaves a telling without an end, which is
		// parked.
		if err = e.commit(ctx, next, true); err == nil {
			failpoint.Hit(failpoint.Delivered)
			e.counted(EventHanded, next, outcome)
			e.tellRelayed(ctx, next, heard)
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

// keepParked makes a parked record due soon, until a person was alerted.
func (e *Engine) keepParked(next *payment.Record) {
	if next.State == payment.Parked {
		e.keepForAlert(next)
	}
}

// tellRelayed reports the outcome of a telling.
func (e *Engine) tellRelayed(ctx context.Context, rec *payment.Record, heard bool) {
	switch {
	case rec.State == payment.Delivered:
		e.observe(EventDelivered, rec, nil, false)
		e.wakeWorker()
	case rec.State == payment.Parked:
		e.alert(ctx, EventParked, rec, nil)
	case !heard:
		e.observe(EventMissed, rec, nil, false)
	}
}

func (c Relay) asker() payment.Asker { return payment.Asker{Name: c.Asker, Came: c.came} }

// sayAgain answers "already verified".
func (e *Engine) sayAgain(ctx context.Context, r payment.Relayer, c Relay, rec *payment.Record) {
	if rec.Relay != nil {
		for range claimTries {
			next := rec.Clone()
			if !next.SaidAgain(c.asker()) {
				break
			}
			// It is on record before it is heard: the page may end at once.
			if err := e.commit(ctx, next, true); !errors.Is(err, payment.ErrConflict) {
				break
			}
			fresh, err := e.Store.Get(ctx, rec.Ref)
			if err != nil || fresh.Relay == nil {
				break
			}
			rec = fresh
		}
	}
	c.Say(r.WriteReply(payment.RelayAgain, c.Ask, rec))
}

// keptReply returns the provider's own first answer, or one made from the receipt.
func (e *Engine) keptReply(rec *payment.Record, r payment.Relayer, c Relay) payment.RelayReply {
	if l := rec.Relay; len(l.Kept) > 0 && e.Seal != nil && e.now().Sub(l.KeptAt) < payment.RelayKept {
		if b, err := e.Seal.Open(rec.Ref, l.Kept); err == nil {
			if reply, ok := unpackReply(b); ok {
				return reply
			}
		}
	}
	return r.WriteReply(payment.RelayFirst, c.Ask, rec)
}

// packedReply is a kept answer: status, type and body as they came.
type packedReply struct {
	Status int    `json:"s"`
	Type   string `json:"t"`
	Body   []byte `json:"b"`
}

func packReply(r payment.RelayReply) []byte {
	b, _ := json.Marshal(packedReply{r.Status, r.Type, r.Body})
	return b
}

func unpackReply(b []byte) (payment.RelayReply, bool) {
	var p packedReply
	if err := json.Unmarshal(b, &p); err != nil || p.Status == 0 {
		return payment.RelayReply{}, false
	}
	return payment.RelayReply{Status: p.Status, Type: p.Type, Body: p.Body}, true
}

// PageLimit is how long to wait for the page of a customer's return.
const PageLimit = DeliveryTime + 15*time.Second
