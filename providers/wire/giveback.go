package wire

import "github.com/rahgir/caddy-payments/payment"

// GiveBack returns the reply as an answer to a refund or a reversal that decides nothing.
// Providers start from it and change what they understand. Being asked to come later
// (429) gave nothing back.
func (r Reply) GiveBack() payment.GivenBack {
	a := r.Answer()
	g := payment.GivenBack{Code: a.Code, Unsent: a.Unsent, Err: a.Err}
	if a.Outcome == payment.OutcomeBusy {
		g.Outcome = payment.GiveBackBusy
	}
	return g
}

// Gave is g with an outcome that was understood.
func Gave(g payment.GivenBack, o payment.GiveBackOutcome, code string) payment.GivenBack {
	g.Outcome, g.Code = o, Code(code)
	if o == payment.GiveBackDone {
		g.Err = nil
	}
	return g
}

// BackOf returns an answer to a refund in the words of [payment.Relayer.ReadGivenBack].
func BackOf(g payment.GivenBack) payment.Outcome {
	switch g.Outcome {
	case payment.GiveBackDone:
		return payment.OutcomePaid
	case payment.GiveBackRefused, payment.GiveBackOperator, payment.GiveBackBusy:
		return payment.OutcomeRefused
	case payment.GiveBackUnknown:
	}
	return payment.OutcomeUnknown
}

// UnsentGiveBack returns the answer to what can't be asked.
func UnsentGiveBack() payment.GivenBack { return Reply{Err: ErrRequest, Unsent: true}.GiveBack() }
