package idpay

import (
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// The document's numbers (IDPay v1.1, /payment and /payment/verify).
const (
	window    = 10 * time.Minute
	minAmount = payment.Rials(1_000)
	maxAmount = payment.Rials(500_000_000)
)

// protocol is part of the issuer: it never changes.
const protocol = "idpay"

func traits(key wire.Secret, api wire.Base, sandbox bool) payment.Traits {
	environment := payment.Live
	if sandbox {
		environment = payment.Sandbox
	}
	return wire.Identify(payment.Traits{
		Environment: environment,
		Params: []string{
			paramStatus, paramTrackID, paramID, paramOrderID,
			paramAmount, paramCard, paramHash, paramDate,
		},
		Marks:        []string{paramStatus, paramTrackID, paramID, paramOrderID},
		AnswersOrder: true, AnswersAmount: true,
		TellsFirst: true, GivesBack: true,
		Window: window,
		Min:    minAmount, Max: maxAmount,
	}, protocol, key, api, defaultAPI)
}

// Traits implements [payment.Provider].
func (p *Provider) Traits() payment.Traits { return p.traits }

// AccountID implements [payment.Accounted].
func (p *Provider) AccountID() string { return p.key.AccountID(protocol) }
