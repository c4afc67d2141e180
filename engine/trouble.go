package engine

import (
	"errors"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// troubleEvery is how often the same fault of the store is reported, because it hits every
// payment.
const troubleEvery = time.Minute

// trouble reports a fault of the store.
func (e *Engine) trouble(r *payment.Record, err error, alert bool) {
	text, now := err.Error(), e.now()
	if alert {
		text += "!"
	}
	e.mu.Lock()
	last, again := e.troubles[text]
	again = again && now.Sub(last) < troubleEvery && !now.Before(last)
	if !again {
		if len(e.troubles) == 100 {
			clear(e.troubles)
		}
		e.troubles[text] = now
	}
	e.mu.Unlock()
	if !again {
		e.observe(EventStore, r, err, alert)
	}
}

// answered: the error is an ordinary answer of the store, not a fault.
func answered(err error) bool {
	var taken *payment.TakenError
	return errors.Is(err, payment.ErrConflict) || errors.As(err, &taken)
}
