package engine

import (
	"errors"
	"fmt"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

// Whatever comes of asking a provider to start a payment has one word.
func TestCreateOutcome(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		CreateOK:          nil,
		CreateUnreachable: errors.New("reset"),
		CreateRefused:     fmt.Errorf("idpay: %w (code 33)", payment.ErrRefused),
		CreateOperator:    fmt.Errorf("idpay: %w: %w", payment.ErrRefused, payment.ErrOperator),
		CreateBusy:        &TooManyError{cause: errCrowded},
	} {
		if got := createOutcome(err); got != want {
			t.Errorf("%v is %s, want %s", err, got, want)
		}
	}
}
