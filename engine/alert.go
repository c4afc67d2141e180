package engine

import (
	"context"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// alertWithin is how soon the next process repeats an alert that a crash may have swallowed.
const alertWithin = time.Minute

// keepForAlert makes a record that waits for a person due soon. The due time is cleared once
// the person was alerted. If the process dies between the commit and the alert, the next
// process alerts: two alerts are a nuisance, none is a lost payment.
func (e *Engine) keepForAlert(rec *payment.Record) { rec.Due = e.now().Add(alertWithin) }

// alert tells a person about a record that waits for them.
func (e *Engine) alert(ctx context.Context, name string, rec *payment.Record, cause error) {
	e.observe(name, rec, cause, true)
	if err := e.reschedule(ctx, rec, relayKeptUntil(rec)); err != nil {
		e.trouble(rec, err, false)
	}
}

// park commits a delivery that was parked, and alerts.
func (e *Engine) park(ctx context.Context, rec *payment.Record) error {
	e.keepForAlert(rec)
	if err := e.commit(ctx, rec, false); err != nil {
		return ignoreConflict(err)
	}
	e.alert(ctx, EventParked, rec, nil)
	return nil
}

// repeatAlert alerts for a process that may have died before it did.
func (e *Engine) repeatAlert(ctx context.Context, rec *payment.Record) {
	name := EventParked
	if rec.State == payment.Review {
		name = EventReview
	}
	e.alert(ctx, name, rec, nil)
}
