package operatetest

import (
	"context"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// The provider of these tests gives back what [Ledger.GiveBack] says; without it, it
// can't.

func (p provider) RefundTerms() (payment.GiveBackTerms, bool) {
	return payment.GiveBackTerms{Partial: true}, p.l.GiveBack != nil
}

func (p provider) Refund(_ context.Context, q payment.GiveBack) payment.GivenBack {
	return p.l.GiveBack(q)
}

func (p provider) ReverseTerms() (payment.GiveBackTerms, bool) {
	return payment.GiveBackTerms{Within: 30 * time.Minute}, p.l.GiveBack != nil
}

func (p provider) Reverse(_ context.Context, q payment.GiveBack) payment.GivenBack {
	return p.l.GiveBack(q)
}

// Interface guards
var (
	_ payment.Refunder = provider{}
	_ payment.Reverser = provider{}
)
