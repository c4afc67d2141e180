package payment_test

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/rahgir/caddy-payments/payment"
)

func TestParseRials(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]payment.Rials{
		"1": 1, "50000": 50000, "999999999999999999": 999999999999999999,
	} {
		if got, err := payment.ParseRials(in); err != nil || got != want {
			t.Errorf("ParseRials(%q) = %d, %v", in, got, err)
		}
	}
	// A19, A20: nothing that another reader could read otherwise.
	for _, in := range []string{
		"", "0", "-1", "+1", " 100", "100 ", "00100", "1e5", "0x10", "100.0", "100000.0", "1,000", "9223372036854775808",
		"1000000000000000000000000000000", "۱۰۰", "١٠٠", "１００", "1\x00", "1\n", "1\u200b", "NaN", "true",
	} {
		if got, err := payment.ParseRials(in); !errors.Is(err, payment.ErrAmount) {
			t.Errorf("ParseRials(%q) = %d, %v; want ErrAmount", in, got, err)
		}
	}
}

func TestParseAmount(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]payment.Rials{
		"1200000": 1200000, "1200000rial": 1200000, "1200000 rials": 1200000, "120000toman": 1200000,
		"120_000toman": 1200000, "120,000 Toman": 1200000, "۱۲۰٬۰۰۰تومان": 1200000, "1200000IRR": 1200000, "120000irt": 1200000, "۵۰۰۰ریال": 5000,
		"120 000 toman": 1200000, "120'000toman": 1200000, "۱۲۰،۰۰۰ تومن": 1200000, "1 200 000ريال": 1200000,
	} {
		if got, err := payment.ParseAmount(in); err != nil || got != want {
			t.Errorf("ParseAmount(%q) = %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"12 00 00toman", "1000,50toman", "1,000 000toman", "1,000,", "1'2", "", "toman", "-5toman", "1.5toman", "120000tomans", "5usd", "999999999999999999toman"} {
		if got, err := payment.ParseAmount(in); !errors.Is(err, payment.ErrAmount) {
			t.Errorf("ParseAmount(%q) = %d, %v; want ErrAmount", in, got, err)
		}
	}
}

func TestSlip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := payment.Rials(rapid.Int64Range(1, 1e13).Draw(t, "n"))
		for _, f := range []int64{10, 1_000, 10_000} {
			if many := n * payment.Rials(f); payment.Slip(n, many) != f || payment.Slip(many, n) != f {
				t.Fatalf("%d and %d are not seen as a slip", n, many)
			}
			if payment.Slip(n*payment.Rials(f)+1, n) != 0 && n > 1 {
				t.Fatalf("a slip is seen where there is none for %d", n)
			}
		}
		for _, f := range []payment.Rials{0, 1, 2, 9, 11, 100, 999, 1_001, 9_999, 100_000} {
			if payment.Slip(n, n*f) != 0 || payment.Slip(n*f, n) != 0 || payment.Slip(-n, n*f) != 0 {
				t.Fatalf("a slip is seen where there is none for %d and %d", n, n*f)
			}
		}
	})
}

func TestUnits(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]payment.Rials{1: 10, 50_000: 500_000, math.MaxInt64 / 10: math.MaxInt64 / 10 * 10} {
		if got, err := payment.Toman.Rials(n); err != nil || got != want {
			t.Errorf("%d toman are %d, %v", n, got, err)
		}
		if back, whole := payment.Toman.Of(want); back != n || !whole {
			t.Errorf("%d rials are %d toman, %v", want, back, whole)
		}
		if _, whole := payment.Toman.Of(want - 1); whole {
			t.Errorf("%d rials are whole toman", want-1)
		}
	}
	for _, n := range []int64{0, -1, math.MinInt64, math.MaxInt64/10 + 1, math.MaxInt64} {
		if got, err := payment.Toman.Rials(n); !errors.Is(err, payment.ErrAmount) {
			t.Errorf("%d toman are %d, %v", n, got, err)
		}
	}
}

func TestAmountsForPeople(t *testing.T) {
	t.Parallel()
	for n, want := range map[payment.Rials][2]string{
		5: {"5", "0.5"}, 1200000: {"1,200,000", "120,000"}, 1234567: {"1,234,567", "123,456.7"}, 100: {"100", "10"},
	} {
		if n.Grouped() != want[0] || n.Toman() != want[1] {
			t.Errorf("%d: %s rial, %s toman", n, n.Grouped(), n.Toman())
		}
	}
}
