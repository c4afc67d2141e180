package engine

import (
	"context"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// alertWithin is how soon the heir of a process that died tells a person what it
// had left to them.
const alertWithin = time.Minute

// keepForAlert keeps a record that waits for a person due until they have been told: a
// process that dies between the commit and the alert leaves the alert to its
// heir. Told twice is a nuisance, told never is a payment lost.
func (e *Engine) keepForAlert(rec *payment.Record) { rec.Due = e.now().Add(alertWithin) }

// alert tells a person to a record that was held for them.
func (e *Engine) alert(ctx context.Context, name string, rec *payment.Record, cause error) {
	e.observe(name, rec, cause, true)
	if err := e.reschedule(ctx, rec, relayKeptUntil(rec)); err != nil {
		e.trouble(rec, err, false)
	}
}

// park commits a delivery that was parked, and tells.
func (e *Engine) park(ctx context.Context, rec *payment.Record) error {
	e.keepForAlert(rec)
	if err := e.commit(ctx, rec, false); err != nil {
		return ignoreConflict(err)
	}
	e.alert(ctx, EventParked, rec, nil)
	return nil
}

// repeatAlert tells what a dead process may not have told.
func (e *Engine) repeatAlert(ctx context.Context, rec *payment.Record) {
	name := EventParked
	if rec.State == payment.Review {
		name = EventReview
	}
	e.alert(ctx, name, rec, nil)
}
