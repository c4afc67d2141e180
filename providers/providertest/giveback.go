package providertest

import (
	"net/http"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

// giveBacks returns the calls that give money back. Every fault of the network meets them,
// too: after none may the money be taken for given back, nor for kept.
func (s *Suite) giveBacks(t testing.TB, p payment.Provider) []call {
	var calls []call
	if r, ok := p.(payment.Refunder); ok {
		if _, allowed := r.RefundTerms(); allowed {
			calls = append(calls, call{"refund", s.Refunded, http.StatusOK, func(p payment.Provider) result {
				return judgeGiven(p.(payment.Refunder).Refund(t.Context(), s.GiveBack))
			}})
		}
	}
	if r, ok := p.(payment.Reverser); ok {
		if _, allowed := r.ReverseTerms(); allowed {
			calls = append(calls, call{"reverse", s.Reversed, http.StatusOK, func(p payment.Provider) result {
				return judgeGiven(p.(payment.Reverser).Reverse(t.Context(), s.GiveBack))
			}})
		}
	}
	return calls
}

// judgeGiven puts an answer to a refund into the same terms as the others.
func judgeGiven(g payment.GivenBack) result {
	r := result{answer: payment.Answer{Code: g.Code, Unsent: g.Unsent}, err: g.Err}
	switch g.Outcome {
	case payment.GiveBackDone:
		r.accepted = true
	case payment.GiveBackRefused, payment.GiveBackOperator:
		r.refused = true
	case payment.GiveBackBusy, payment.GiveBackUnknown:
	}
	return r
}
