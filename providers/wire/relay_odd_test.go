package wire_test

import (
	"testing"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// Only an amount that is written as documents write it is plain: a gateway may refuse every
// other one, whatever we read in it.
func TestReadAskTellsOddAmounts(t *testing.T) {
	for written, plain := range map[string]bool{
		`5000`: true, `"5000"`: true, `1`: true, `999999999999`: true,
		`5000.0`: false, `5e3`: false, `"5000.0"`: false, `"05000"`: false, `"+5000"`: false, `"5000 "`: false, `" 5000"`: false,
		`"5,000"`: false, `"۵۰۰۰"`: false, `"٥٠٠٠"`: false, `null`: false, `""`: false, `0`: false, `-1`: false, `"abc"`: false,
		`999999999999999999999999`: false, `true`: false, `{}`: false, `[5000]`: false,
	} {
		call := payment.RelayCall{Method: "POST", Type: "application/json", Body: []byte(`{"id":"x","amount":` + written + `}`)}
		a, err := wire.ReadAsk(payment.RelayVerify, call, "id", wire.Checked(func(string) bool { return true }), func(o wire.Object, a *payment.RelayAsk) {
			a.Number, a.Unread = o.Number("amount")
		})
		if got := a.Number > 0 && !a.Unread && !a.Odd; err != nil || got != plain {
			t.Errorf("%s: plain is %v, want %v (%+v, %v)", written, got, plain, a, err)
		}
	}
}
