package zibal

import (
	"testing"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/providertest"
)

// Four results of the platform are known. What any other means is not: the money may
// have gone back.
func TestRefundResults(t *testing.T) {
	for body, want := range map[string]payment.GiveBackOutcome{
		`{"result":1,"data":{"refundId":77}}`: payment.GiveBackDone, `{"result":"1","data":{"refundId":"77"}}`: payment.GiveBackDone,
		`{"result":3}`: payment.GiveBackOperator, `{"result":8}`: payment.GiveBackOperator, `{"result":7}`: payment.GiveBackOperator,
		`{"result":2}`: payment.GiveBackUnknown, `{"result":0}`: payment.GiveBackUnknown, `{"result":100}`: payment.GiveBackUnknown, `{}`: payment.GiveBackUnknown,
	} {
		g := refundAnswer(respond(200, body))
		if g.Outcome != want || (g.Err == nil) != (want == payment.GiveBackDone) || want == payment.GiveBackDone && g.Number != "77" {
			t.Errorf("%s: %+v", body, g)
		}
	}
	for status, want := range map[int]payment.GiveBackOutcome{201: payment.GiveBackUnknown, 401: payment.GiveBackOperator, 429: payment.GiveBackBusy, 500: payment.GiveBackUnknown} {
		if g := refundAnswer(respond(status, `{"result":1}`)); g.Outcome != want {
			t.Errorf("%d: %+v", status, g)
		}
	}
}

func TestRefundSends(t *testing.T) {
	g := &gateway{answers: map[string]string{"/v1/account/refund": `{"result":1}`}}
	p := provider(t, g.start(t), 0, func(p *Provider) { p.Account = "acc-1" })
	if terms, ok := p.RefundTerms(); !ok || !terms.Partial {
		t.Errorf("%+v", terms)
	}
	p.Refund(t.Context(), payment.GiveBack{ID: sampleID, Amount: 600, Price: 1600, Key: "k"})
	if g.raw != `{"trackId":`+sampleID+`,"accountId":"acc-1","amount":600}` {
		t.Errorf("sent %s", g.raw)
	}
	if got := p.Refund(t.Context(), payment.GiveBack{ID: "x", Amount: 600}); !got.Unsent || len(g.paths) != 1 {
		t.Errorf("%+v", got)
	}
	t.Setenv("TEST_ZIBAL_PLAIN", "x")
	plain := &Provider{Merchant: "{env.TEST_ZIBAL_PLAIN}"}
	if err := providertest.Provision(t, plain); err != nil {
		t.Fatal(err)
	}
	if _, ok := plain.RefundTerms(); ok {
		t.Error("a refund without a token")
	}
	if err := providertest.Provision(t, &Provider{Merchant: "{env.TEST_ZIBAL_PLAIN}", Account: "a"}); err == nil {
		t.Error("an account without a token is accepted")
	}
}
