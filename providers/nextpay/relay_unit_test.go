package nextpay

import (
	"fmt"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

// The unit in which the shop's call asked binds the answer, whatever the block's is.
func TestRelayUnit(t *testing.T) {
	for _, block := range []string{"", unitToman, unitRial} {
		for currency, want := range map[string]payment.Rials{`,"currency":"IRR"`: 5_000, `,"currency":"IRT"`: 50_000, ``: 50_000} {
			p := &Provider{Unit: block}
			a, err := p.ReadCall(payment.RelayVerify, payment.RelayCall{Type: "application/json", Body: fmt.Appendf(nil, `{"trans_id":"f7c07568-c6d1-4bee-87b1-4a9e5ed2e4c1","amount":5000%s}`, currency)})
			if err != nil {
				t.Fatal(err)
			}
			got := p.ReadVerified(payment.RelayReply{Status: 200, Unit: a.Unit, Body: []byte(`{"code":0,"amount":5000,"order_id":"1","Shaparak_Ref_Id":"123456"}`)})
			if got.Outcome != payment.OutcomePaid || got.Receipt.Amount != want || a.Amount() != want {
				t.Errorf("block %q, call %q: %v, asked %d, got %+v", block, currency, got.Outcome, a.Amount(), got.Receipt)
			}
		}
	}
}
