package zarinpal

import (
	"strconv"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

// "Not successful or reversed before" (−61) may mean that the money has gone back:
// it is no "no".
func TestReverseCodes(t *testing.T) {
	p := provider(t, "", 0)
	if terms, ok := p.ReverseTerms(); !ok || terms.Within.Minutes() != 30 || terms.Partial || terms.CheckAmount(1, 2) == nil {
		t.Errorf("%+v", terms)
	}
	for outcome, codes := range map[payment.GiveBackOutcome][]int{
		payment.GiveBackRefused:  {-60, -63, -53, -54, -55, -51, -9},
		payment.GiveBackOperator: {-62, -10, -11, -15},
		payment.GiveBackUnknown:  {-61, -12, -50, -52, -999, 5},
	} {
		for _, code := range codes {
			body := `{"data":[],"errors":{"code":` + strconv.Itoa(code) + `,"message":"x"}}`
			if g := reverseAnswer(respond(400, body)); g.Outcome != outcome || g.Err == nil {
				t.Errorf("%d: %+v", code, g)
			}
			if g := reverseAnswer(respond(500, body)); g.Outcome != payment.GiveBackUnknown {
				t.Errorf("500 %d: %+v", code, g)
			}
		}
	}
	for body, want := range map[string]payment.GiveBackOutcome{
		`{"data":{"code":100},"errors":[]}`: payment.GiveBackDone, `{"data":{"code":"100"},"errors":[]}`: payment.GiveBackDone,
		`{"data":{"code":101},"errors":[]}`: payment.GiveBackUnknown, `{"data":[],"errors":[]}`: payment.GiveBackUnknown, `{}`: payment.GiveBackUnknown,
	} {
		if g := reverseAnswer(respond(200, body)); g.Outcome != want || (g.Err == nil) != (want == payment.GiveBackDone) {
			t.Errorf("%s: %+v", body, g)
		}
	}
	if g := p.Reverse(t.Context(), payment.GiveBack{ID: "../x"}); !g.Unsent || g.Outcome != payment.GiveBackUnknown {
		t.Errorf("%+v", g)
	}
}
