package payment_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rahgir/caddy-payments/payment"
)

func TestParsePrice(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]payment.Rials{
		"120000toman": 1_200_000, "1,200,000rial": 1_200_000, "۱۲۰٬۰۰۰تومان": 1_200_000, "120_000 Toman": 1_200_000, "1rial": 1,
		"12,000,000,000,000,000rial": 12_000_000_000_000_000,
	} {
		if got, err := payment.ParsePrice(in); err != nil || got != want {
			t.Errorf("ParsePrice(%q) = %d, %v; want %d", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"120000":  `write 120000toman (1,200,000 rials) or 120000rial (12,000 toman), not "120000"`,
		"120,000": `write 120000toman (1,200,000 rials) or 120000rial (12,000 toman), not "120,000"`,
		"۵":       `write 5toman (50 rials) or 5rial (0.5 toman)`,
	} {
		got, err := payment.ParsePrice(in)
		if got != 0 || !errors.Is(err, payment.ErrNoUnit) || !strings.Contains(err.Error(), want) {
			t.Errorf("ParsePrice(%q) = %d, %v; want %s", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"12,00,0toman": "commas group digits in threes", "12,0000toman": "in threes", ",120toman": "in threes", "1200,000toman": "in threes",
		"120,000,toman": "in threes", "1,200_000toman": "in threes", "12,00,0": "in threes", "0,120toman": "not an amount", "000,120toman": "not an amount",
		"": "write 120000toman or 1200000rial", "dear": "write 120000toman or 1200000rial", "toman": "write 120000toman", "0": "not an amount", "-5": "not an amount",
		"999999999999999999toman": "too large", "999999999999999999": "too large", "9999999999999999999": "not an amount",
	} {
		if got, err := payment.ParsePrice(in); err == nil || got != 0 || !strings.Contains(err.Error(), want) {
			t.Errorf("ParsePrice(%q) = %d, %v; want %s", in, got, err, want)
		}
	}
}

// A number has one spelling in each way of grouping it, and every other place of a
// separator is refused.
func TestGroupsOfThree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := payment.Rials(rapid.Int64Range(1, 1e15).Draw(t, "n"))
		unit := rapid.SampledFrom([]string{"toman", "rial", " تومان"}).Draw(t, "unit")
		want, err := payment.ParsePrice(n.String() + unit)
		if err != nil {
			t.Fatal(err)
		}
		sep := rapid.SampledFrom([]string{",", "_", "٬"}).Draw(t, "sep")
		if got, err := payment.ParsePrice(strings.ReplaceAll(n.Grouped(), ",", sep) + unit); err != nil || got != want {
			t.Fatalf("%s grouped by %q: %d, %v", n.Grouped(), sep, got, err)
		}
		digits := n.String()
		at := rapid.IntRange(0, len(digits)).Draw(t, "at")
		odd := fmt.Sprintf("%s%s%s", digits[:at], sep, digits[at:])
		if strings.ReplaceAll(n.Grouped(), ",", sep) == odd {
			return
		}
		if got, err := payment.ParsePrice(odd + unit); err == nil {
			t.Fatalf("%q was read as %d", odd+unit, got)
		}
	})
}
