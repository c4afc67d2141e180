package operate

import (
	"errors"
	"fmt"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// Errors of operating. Their texts are for people and carry no secret.
var (
	// ErrInput: the request itself is wrong.
	ErrInput = errors.New("bad request")
	// ErrUnknown: there is no such payment.
	ErrUnknown = errors.New("there is no payment with this reference")
	// ErrNotPossible: the payment is not where this can be done.
	ErrNotPossible = errors.New("not possible")
	// ErrChanged: the payment is not as the person saw it.
	ErrChanged = errors.New("the payment was changed meanwhile; look at it again")
	// ErrUnavailable: the store can't be used now.
	ErrUnavailable = errors.New("the payments store is not available now")
)

func input(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInput, fmt.Sprintf(format, args...))
}

func notPossible(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrNotPossible, fmt.Sprintf(format, args...))
}

// translate turns an engine's or store's error into one of ours.
func translate(err error) error {
	var taken *payment.TakenError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, payment.ErrNotFound):
		return ErrUnknown
	case errors.Is(err, payment.ErrConflict):
		return ErrChanged
	case errors.As(err, &taken):
		return notPossible("%s", taken.Error())
	case errors.Is(err, engine.ErrNotPossible), errors.Is(err, payment.ErrTransition),
		errors.Is(err, engine.ErrUnknownOrder), errors.Is(err, engine.ErrOrderPaid),
		errors.Is(err, engine.ErrUnanswered), errors.Is(err, engine.ErrForeign):
		return fmt.Errorf("%w: %w", ErrNotPossible, err)
	case errors.Is(err, payment.ErrClosed), errors.Is(err, payment.ErrFull), errors.Is(err, payment.ErrBroken):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}
