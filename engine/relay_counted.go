package engine

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// A relayed shop's payments are counted by the same words as a checkout's: a provider
// that starts none, or a shop that takes none, is the same trouble whoever asked.

// relayStarted tells how a provider answered a shop's create.
func (e *Engine) relayStarted(c Relay, reply payment.RelayReply, made bool, began time.Time) {
	e.started(c.Provider, c.Site, false, createdOr(reply, made), e.now().Sub(began))
}

var errCreate = errors.New("the provider did not start a payment that the shop's plugin asked for")

// createdOr is nil for a payment that was made, else what kept it from being made.
func createdOr(r payment.RelayReply, made bool) error {
	switch {
	case made:
		return nil
	case r.Err != nil:
		return fmt.Errorf("%w: %w", errCreate, r.Err)
	case r.Status == http.StatusUnauthorized, r.Status == http.StatusForbidden:
		return fmt.Errorf("%w: HTTP status %d: %w", errCreate, r.Status, payment.ErrOperator)
	case r.Status == 0, r.Status >= http.StatusInternalServerError, r.Status == http.StatusTooManyRequests:
		return fmt.Errorf("%w: HTTP status %d", errCreate, r.Status)
	}
	return fmt.Errorf("%w: HTTP status %d: %w", errCreate, r.Status, payment.ErrRefused)
}

// countRelayed notes, in the record that is about to be committed, what came of telling
// the shop; "" where nothing has, or it was counted before.
func countRelayed(r *payment.Record) string {
	if r.Delivery.Via != payment.ViaRelay {
		return ""
	}
	switch {
	case r.State == payment.Delivered:
		return countHanded(r, Handed{Acked: true})
	case r.State == payment.Parked && r.Reason == payment.ReasonShopRefused:
		return countHanded(r, Handed{Refused: true})
	case r.State == payment.Parked:
		return countHanded(r, Handed{})
	}
	return ""
}
