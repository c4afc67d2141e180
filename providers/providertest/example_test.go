package providertest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap/zapcore"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/providertest"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// gate is the smallest provider: its gateway knows a payment by its token, and answers
// verify with a code and an amount in rials.
type gate struct {
	api    wire.Base
	client *wire.Client
	key    wire.Secret
}

// CaddyModule makes it a guest of Caddy; a real one is registered, too.
func (*gate) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "payments.providers.gate", New: func() caddy.Module { return new(gate) }}
}

// MarshalLogObject is what logs may show.
func (g *gate) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("base_url", g.api.LogString())
	return nil
}

func (*gate) Protocol() payment.Protocol {
	return payment.Protocol{
		Name: "gate", AnswersAmount: true, GivesBack: true, TellsFirst: true, Window: 10 * time.Minute,
		Min: 1_000, Max: 1_000_000_000, Step: 1, Params: []string{"token", "state"}, Marks: []string{"token", "state"},
	}
}

func (g *gate) Traits() payment.Traits {
	return wire.Identify(payment.Traits{Environment: payment.Live}, "gate", g.key, g.api)
}

func (*gate) ReadReturn(get func(string) string) (payment.Claimed, error) {
	c := payment.Claimed{ID: get("token"), Hint: payment.HintUnpaid}
	if get("state") == "paid" {
		c.Hint = payment.HintPaid
	}
	if !wire.CheckID(c.ID, 8, 64, "") {
		return payment.Claimed{}, fmt.Errorf("%w: token", payment.ErrMalformed)
	}
	return c, nil
}

func (*gate) PayPage(*url.URL) (string, bool) { return "", false }

func (*gate) ReturnParams(r *payment.Record) map[string]string {
	return map[string]string{"token": r.ID, "state": "paid"}
}

// codes are the gateway's, as its document has them.
var codes = map[int64]struct {
	outcome payment.Outcome
	reason  payment.Reason
}{
	1: {payment.OutcomePaid, ""}, 2: {payment.OutcomeAgain, ""}, 3: {payment.OutcomeRefused, payment.ReasonNotPaid}, 4: {payment.OutcomeRefused, payment.ReasonUnknownID},
}

func (g *gate) Verify(ctx context.Context, q payment.Query) payment.Answer {
	body := fmt.Appendf(nil, `{"key":%q,"token":%q}`, g.key.Reveal(), q.ID)
	r := g.client.Do(ctx, wire.Call{URL: g.api.URL("/verify"), Type: wire.JSON, Body: body})
	a := r.Answer()
	code, ok := r.Object.Int("code")
	known, documented := codes[code]
	if !r.Spoke() || !ok || !documented || r.Status != http.StatusOK {
		return a // unknown, never a "no"
	}
	if known.outcome == payment.OutcomePaid || known.outcome == payment.OutcomeAgain {
		amount, err := r.Object.Amount("amount")
		if err != nil || amount == 0 || r.Object.Text("token") == "" {
			return wire.Unread(a, payment.ReasonUnrecognised, r.Object.Text("code"), err)
		}
		a.Receipt = &payment.Receipt{ID: r.Object.Text("token"), Amount: amount}
	}
	return wire.Settle(a, known.outcome, known.reason, r.Object.Text("code"))
}

// A provider's test file needs one call. The suite meets the provider with broken
// answers, silence, redirects, foreign numbers and hostile ids.
func ExampleRun() {
	_ = func(t *testing.T) { // func TestGate(t *testing.T)
		providertest.Run(t, gateSuite())
	}
}

func gateSuite() providertest.Suite {
	const key = "a-long-secret-of-the-shop"
	return providertest.Suite{
		New: func(t testing.TB, baseURL string, timeout time.Duration) payment.Provider {
			t.Helper()
			config := wire.Config{BaseURL: baseURL}
			config.Timeout = caddy.Duration(timeout)
			api, err := config.Base("https://api.gate.example")
			if err != nil {
				t.Fatal(err)
			}
			client, err := config.Client()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(client.Close)
			return &gate{api, client, wire.NewSecret(key)}
		},
		Query:    payment.Query{ID: "tok-00000001", Order: "A-1", Amount: 1_200_000},
		Order:    payment.Order{Number: "A-1", Amount: 1_200_000, Return: "https://shop.example.com/callback"},
		Verified: `{"code":1,"token":"tok-00000001","amount":1200000}`,
		Numbers:  []string{"code", "amount"},
		Secrets:  []string{key},
		Genuine:  map[string]string{"token": "tok-00000001", "state": "paid"},
	}
}

// The example is a provider that passes.
func TestTheExampleIsAProvider(t *testing.T) {
	providertest.Run(t, gateSuite())
}
