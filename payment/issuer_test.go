package payment_test

import (
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

func TestCanonicalNumber(t *testing.T) {
	t.Parallel()
	for want, spellings := range map[string][]string{
		"70004": {"70004", "070004", "70004.0", "7.0004e4", "7.0004E+4", "۷۰۰۰۴", "70004.000", " 70004 ", "700040e-1"},
		"0":     {"0", "00", "0.0", "0e9"}, "70005": {"70005"},
		"X-1": {"X-1"}, "7e999999": {"7e999999"}, "0x10": {"0x10"}, "1/2": {"1/2"}, "-5": {"-5"}, ".5": {".5"}, "": {""},
	} {
		for _, s := range spellings {
			if got := payment.CanonicalNumber(s); got != want {
				t.Errorf("%q is %q, want %q", s, got, want)
			}
			if payment.NumberKey("i", s) != payment.NumberKey("i", want) {
				t.Errorf("%q and %q are two numbers", s, want)
			}
		}
	}
}

// FuzzCanonicalNumber: writing a number once more changes nothing, and nothing
// small becomes something large.
func FuzzCanonicalNumber(f *testing.F) {
	f.Add("7.0004e4")
	f.Add("۰۷۰۰۰۴")
	f.Add("1e99")
	f.Fuzz(func(t *testing.T, s string) {
		c := payment.CanonicalNumber(s)
		if payment.CanonicalNumber(c) != c {
			t.Errorf("%q is %q, which is %q", s, c, payment.CanonicalNumber(c))
		}
		if len(c) > len(s)+250 {
			t.Errorf("%q became %d bytes", s, len(c))
		}
	})
}

func TestIssuers(t *testing.T) {
	t.Parallel()
	a := payment.Issuer("idpay", payment.AccountID("idpay", "key"), payment.Live)
	for other, same := range map[string]bool{
		a: true, payment.Issuer("idpay", "b", payment.Live): true, "idpay|api.idpay.ir|live": true, "idpay|localhost:1/idpay|live": true,
		payment.Issuer("idpay", "b", payment.Sandbox): false, payment.Issuer("sama", "b", payment.Live): false, "idpay": false, "": false,
	} {
		if payment.SameMoney(a, other) != same || payment.SameMoney(other, a) != same {
			t.Errorf("%s and %s: %v", a, other, !same)
		}
	}
	if strings.Contains(a, "key") {
		t.Error("the issuer shows the key")
	}
}
