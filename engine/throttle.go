package engine

import (
	"context"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// tooSoon: after a "no" to a return, the provider is not asked again for a moment. After a
// "no" to the worker it may be asked at once, because the customer may have paid since.
func (e *Engine) tooSoon(r *payment.Record, stranger bool) bool {
	if r.State != payment.Declined && r.State != payment.Expired || !r.Attempts.Claimed {
		return false
	}
	since := e.now().Sub(r.Attempts.Last)
	return since >= 0 && since < reask(stranger) // a clock that went back holds nobody up
}

func reask(stranger bool) time.Duration {
	if stranger {
		return reaskStranger
	}
	return reaskKnown
}

// notYet answers a return that came too soon after a "no" to an older one. The worker asks
// later, and until then a customer of the payment is not told to pay again. A stranger
// gets the recorded "no".
func (e *Engine) notYet(ctx context.Context, rec *payment.Record, a Ask, stranger bool) Result {
	rec, kept := e.keepForLater(ctx, rec, a, stranger)
	res := e.answer(rec, a)
	if res.Kind == Declined && !stranger {
		res.Kind = Pending
		if !kept {
			res.Record = nil // the same return must come again
		}
	}
	return res
}

// keepForLater leaves a return that came too soon to the worker. The "no" was to an older
// one; its customer may have paid since, and may not come again. If the worker asks soon
// anyway, nothing is written. kept says whether the record knows of this return.
func (e *Engine) keepForLater(ctx context.Context, rec *payment.Record, a Ask, stranger bool) (now *payment.Record, kept bool) {
	at := e.now()
	if stranger && rec.Reason == payment.ReasonUnknownID {
		return rec, false // an invention
	}
	if !rec.Due.IsZero() && rec.Due.Before(at.Add(workerAsksSoon)) {
		return rec, false
	}
	// Once for all who come at the same moment.
	v, err, _ := e.Shared.admissions.Do("later\n"+string(rec.Ref), func() (any, error) {
		next := rec.Clone()
		e.remember(next, job{ask: a}, at)
		next.Reason, next.UpdatedAt = payment.ReasonWaiting, at
		next.Due = rec.Attempts.Last.Add(reask(stranger))
		return next, e.commit(ctx, next, false)
	})
	if next, ok := v.(*payment.Record); ok && err == nil {
		return next, true
	}
	return rec, false // somebody else is at it, or the next return tries again
}
