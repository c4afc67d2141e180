package providertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/rahgir/caddy-payments/payment"
)

// Suite describes a provider to [Run].
type Suite struct {
	// New makes a provisioned provider that calls baseURL, a plain http address
	// on loopback, with the given time-out.
	New func(t testing.TB, baseURL string, timeout time.Duration) payment.Provider
	// Query is asked throughout; Order is what payments are created with.
	Query payment.Query
	Order payment.Order
	// Verified is the body of a documented first success for Query, sent with
	// HTTP 200.
	Verified string
	// Numbers are the members of Verified whose digits may be Persian, dotted.
	Numbers []string
	// Inquired is the same for Inquire, where the provider has it.
	Inquired string
	// Listed is the body of a list with at least one payment, where the provider is a
	// [payment.Lister].
	Listed string
	// Created is the body of a success of Create, and CreatedStatus its status.
	Created       string
	CreatedStatus int
	// GiveBack is asked for, and Refunded and Reversed are the bodies of a success,
	// sent with HTTP 200, where the provider is a [payment.Refunder] or a
	// [payment.Reverser].
	GiveBack           payment.GiveBack
	Refunded, Reversed string
	// Secrets are what New configures and nothing may ever show.
	Secrets []string
	// Genuine is a return as the provider sends it; "" values are allowed.
	Genuine map[string]string
}

// patience is a time-out that no test waits for.
const patience = 30 * time.Second

// Run runs the whole suite.
func Run(t *testing.T, s Suite) {
	t.Run("protocol", s.protocol)
	t.Run("success", s.success)
	t.Run("faults", s.faults)
	t.Run("shapes", s.shapes)
	t.Run("redirects", s.redirects)
	t.Run("refused connection", s.refused)
	t.Run("cancelled", s.cancelled)
	t.Run("hostile ids", s.hostile)
	t.Run("returns", s.returns)
	t.Run("secrets", s.secrets)
}

// call is one of the provider's calls, so that every fault meets all of them.
type call struct {
	name string
	// good is the documented success.
	good       string
	goodStatus int
	// do makes the call and returns what it amounts to.
	do func(p payment.Provider) result
}

// result is what Verify, Inquire and Create have in common.
type result struct {
	answer payment.Answer
	err    error
	// accepted: it was taken for a success; refused: for a definite "no".
	accepted, refused bool
	// held: a person must look.
	held bool
}

func (s *Suite) calls(t testing.TB, p payment.Provider) []call {
	calls := []call{{"verify", s.Verified, http.StatusOK, func(p payment.Provider) result {
		return judge(p.Verify(t.Context(), s.Query))
	}}}
	if _, ok := p.(payment.Inquirer); ok {
		calls = append(calls, call{"inquire", s.Inquired, http.StatusOK, func(p payment.Provider) result {
			return judge(p.(payment.Inquirer).Inquire(t.Context(), s.Query))
		}})
	}
	if _, ok := p.(payment.Creator); ok {
		calls = append(calls, call{"create", s.Created, s.CreatedStatus, func(p payment.Provider) result {
			started, err := p.(payment.Creator).Create(t.Context(), s.Order)
			return judgeStarted(started, err)
		}})
	}
	if _, ok := p.(payment.Lister); ok {
		calls = append(calls, call{"list", s.Listed, http.StatusOK, func(p payment.Provider) result {
			list, err := p.(payment.Lister).Unverified(t.Context())
			return result{err: err, accepted: err == nil && len(list) > 0 && list[0].ID != ""}
		}})
	}
	return append(calls, s.giveBacks(t, p)...)
}

func judge(a payment.Answer) result {
	r := result{answer: a, err: a.Err}
	switch a.Outcome {
	case payment.OutcomePaid, payment.OutcomeAgain, payment.OutcomeAwaiting:
		r.accepted = true
	case payment.OutcomeUnknown, payment.OutcomeBusy:
	case payment.OutcomeDoubt:
		r.held = true
	default:
		r.refused = true
	}
	return r
}

// judgeStarted puts an answer to create into the same terms as the others.
func judgeStarted(started payment.Started, err error) result {
	return result{
		err:      err,
		accepted: err == nil && started.ID != "" && started.PayURL != "",
		refused:  errors.Is(err, payment.ErrRefused) || (err == nil && (started.ID == "" || started.PayURL == "")),
	}
}

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

// unknown fails the test unless the call ended in doubt, as it must after any
// fault.
func (s *Suite) unknown(t *testing.T, r result) {
	t.Helper()
	if r.accepted || r.refused || r.held {
		t.Errorf("taken for an answer: %+v", r.answer)
	}
	if r.answer.Receipt != nil {
		t.Errorf("a receipt without a payment: %+v", r.answer.Receipt)
	}
	if r.err == nil {
		t.Error("no error for the log")
	}
	s.clean(t, r)
}

// clean fails the test if a secret or a text of the provider's shows.
func (s *Suite) clean(t *testing.T, r result) {
	t.Helper()
	shown := fmt.Sprintf("%v %+v %#v", r.err, r.answer, r.answer)
	for _, secret := range append([]string{marker}, s.Secrets...) {
		if strings.Contains(shown, secret) {
			t.Errorf("%q shows in %s", secret, shown)
		}
	}
	if len(r.answer.Code) > 32 || strings.ContainsFunc(r.answer.Code, func(c rune) bool {
		return !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.ContainsRune("-_./", c))
	}) {
		t.Errorf("code %q", r.answer.Code)
	}
}

// secrets prints a provider in every way that logs and panics use.
func (s Suite) secrets(t *testing.T) {
	p := s.New(t, "http://127.0.0.1:1", patience)
	var log bytes.Buffer
	enc := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	l := zap.New(zapcore.NewCore(enc, zapcore.AddSync(&log), zapcore.DebugLevel))
	l.Info("provider", zap.Any("module", p))
	m, ok := p.(zapcore.ObjectMarshaler)
	if !ok {
		t.Fatal("a provider must say what logs may show of it")
	}
	l.Info("provider", zap.Object("module", m))
	j, err := json.Marshal(p)
	if err != nil {
		t.Error(err)
	}
	shown := fmt.Sprintf("%v %+v %#v %s %s %x", p, p, p, log.String(), j, p)
	for _, secret := range s.Secrets {
		if strings.Contains(shown, secret) {
			t.Errorf("%q shows", secret)
		}
	}
	if _, ok := p.(caddy.Module); !ok {
		t.Error("not a Caddy module")
	}
}
