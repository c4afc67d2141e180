package vandar

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/providertest"
)

func TestRefundAnswers(t *testing.T) {
	sample := fixture(t, "refund_answer.json")
	for _, c := range []struct {
		status int
		body   string
		want   payment.GiveBackOutcome
	}{
		{200, sample, payment.GiveBackDone},
		{201, sample, payment.GiveBackDone},
		{200, strings.Replace(sample, "PENDING", "FAILED", 1), payment.GiveBackUnknown},
		{200, strings.Replace(sample, "PENDING", "DONE", 1), payment.GiveBackDone},
		{200, `{"status":1,"data":{"results":[]}}`, payment.GiveBackUnknown},
		{200, `{"status":1}`, payment.GiveBackUnknown},
		{200, `{"status":0,"errors":["x"]}`, payment.GiveBackUnknown},
		{400, sample, payment.GiveBackUnknown},
		{422, `{"status":0,"errors":["the balance is too low"]}`, payment.GiveBackRefused},
		{402, `{"status":0,"error":"balance"}`, payment.GiveBackOperator},
		{401, `{"error":"Unauthenticated."}`, payment.GiveBackOperator},
		{403, `{}`, payment.GiveBackOperator},
		{429, `{}`, payment.GiveBackBusy},
		{500, sample, payment.GiveBackUnknown},
	} {
		g := refundAnswer(respond(c.status, c.body))
		if g.Outcome != c.want || (g.Err == nil) != (c.want == payment.GiveBackDone) || c.want == payment.GiveBackDone && g.Number != "0bbc76c0-9489-11ed-b643-ed25e49760ca" {
			t.Errorf("%d %.60s: %+v", c.status, c.body, g)
		}
	}
}

// A part is named in rials, with a number that Vandar takes once only, at the other
// API and with the other secret.
func TestRefundIsAskedOnce(t *testing.T) {
	var path, auth string
	g := &gateway{answers: map[string]string{}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, auth = r.URL.Path, r.Header.Get("Authorization")
		g.answers[r.URL.Path] = fixture(t, "refund_answer.json")
		g.serve(w, r)
	}))
	t.Cleanup(s.Close)
	p := provider(t, s.URL, 0)
	if terms, ok := p.RefundTerms(); !ok || !terms.Partial {
		t.Errorf("%+v %v", terms, ok)
	}
	if got := p.Refund(t.Context(), payment.GiveBack{ID: sampleToken, Number: "159178352177", Amount: 400, Price: 1000, Key: "r-1"}); got.Outcome != payment.GiveBackDone {
		t.Errorf("%+v", got)
	}
	if path != "/v3/business/my-shop/transaction/159178352177/refund" || auth != "Bearer "+sampleAccess || len(g.paths) != 1 ||
		!reflect.DeepEqual(g.sent, map[string]any{"amount": 400.0, "payment_number": "r-1"}) {
		t.Errorf("%s, %s, %v", path, auth, g.sent)
	}
	for _, number := range []string{"", "0", "x", "-5"} {
		if got := p.Refund(t.Context(), payment.GiveBack{ID: sampleToken, Number: number, Amount: 400}); !got.Unsent || len(g.paths) != 1 {
			t.Errorf("%q: %+v", number, got)
		}
	}
}

// Refunds need both options.
func TestRefundOptions(t *testing.T) {
	t.Setenv("TEST_VANDAR_BOTH", "x")
	for name, p := range map[string]*Provider{
		"business":     {APIKey: "{env.TEST_VANDAR_BOTH}", AccessToken: "{env.TEST_VANDAR_BOTH}"},
		"access_token": {APIKey: "{env.TEST_VANDAR_BOTH}", Business: "my-shop"},
		"letters":      {APIKey: "{env.TEST_VANDAR_BOTH}", AccessToken: "{env.TEST_VANDAR_BOTH}", Business: "a/b"},
	} {
		if err := providertest.Provision(t, p); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := &Provider{APIKey: "{env.TEST_VANDAR_BOTH}"}
	if err := providertest.Provision(t, p); err != nil {
		t.Fatal(err)
	}
	if _, ok := p.RefundTerms(); ok {
		t.Error("refunds without what they need")
	}
}
