package find

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/payment"
)

func TestTerms(t *testing.T) {
	for text, want := range map[string]payment.Term{
		"ORDER-101":                       {Field: payment.FieldOrder, Value: "order-101"},
		"سفارش ۱۰۱":                       {Field: payment.FieldOrder, Value: "سفارش 101"},
		" 000123 ":                        {Field: payment.FieldNumber, Value: "123"},
		"۹۰۰۰۱۲":                          {Field: payment.FieldReference, Value: "900012"},
		"1234":                            {Field: payment.FieldCard, Value: "1234"},
		"603799******1234":                {Field: payment.FieldCard, Value: "1234"},
		"6037-99**-****-1234":             {Field: payment.FieldCard, Value: "1234"},
		"6037991111111234":                {Field: payment.FieldCard, Value: "1234"},
		"120,000":                         {Field: payment.FieldAmount, Value: "1200000"},
		"1,200,000":                       {Field: payment.FieldAmount, Value: "1200000"},
		"۱۲۰٬۰۰۰ تومان":                   {Field: payment.FieldAmount, Value: "1200000"},
		"1200000 rial":                    {Field: payment.FieldAmount, Value: "1200000"},
		"ABCD-EFGH":                       {Field: payment.FieldRef, Value: "abcdefgh"},
		"abcd efgh":                       {Field: payment.FieldRef, Value: "abcdefgh"},
		"Mug":                             {Field: payment.FieldItem, Value: "mug"},
		"\u200eTrack_1\u200f":             {Field: payment.FieldTrack, Value: "Track_1"},
		"6a7f99eb-7c20-4412-a972-6dfb7cd": {Field: payment.FieldID, Value: "6a7f99eb-7c20-4412-a972-6dfb7cd"},
	} {
		if got := Terms(text); !slices.Contains(got, want) {
			t.Errorf("%q is looked for as %v, without %v", text, got, want)
		}
	}
	for text, not := range map[string]payment.Field{
		"abcdefg": payment.FieldRef, "order-1234": payment.FieldCard, "12345": payment.FieldCard, "-5": payment.FieldAmount, "9999999999999999999": payment.FieldAmount,
	} {
		for _, term := range Terms(text) {
			if term.Field == not {
				t.Errorf("%q is looked for as %v", text, term)
			}
		}
	}
	for _, n := range []int{0, MaxSearch + 1, 10 << 20} {
		if got := Terms(strings.Repeat("x", n)); got != nil {
			t.Errorf("%d bytes are looked for", n)
		}
	}
	if Terms(strings.Repeat("x", MaxSearch)) == nil {
		t.Error("the longest is not looked for")
	}
}

func TestDate(t *testing.T) {
	now := time.Date(2026, 3, 21, 22, 0, 0, 0, time.UTC) // in Tehran it is the 22nd
	for text, want := range map[string]string{
		"2026-03-21": "2026-03-20T20:30:00Z", "2026/3/21": "2026-03-20T20:30:00Z", "1405/01/01": "2026-03-20T20:30:00Z", "۱۴۰۵-۱-۱": "2026-03-20T20:30:00Z",
		"today": "2026-03-21T20:30:00Z", "امروز": "2026-03-21T20:30:00Z", "yesterday": "2026-03-20T20:30:00Z", "0d": "2026-03-21T20:30:00Z", "30d": "2026-02-19T20:30:00Z",
		"2026-03-21T08:30:00Z": "2026-03-21T08:30:00Z", "1403/12/30": "2025-03-19T20:30:00Z",
	} {
		got, err := Date(text, now, false)
		if err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%s is %s, %v; want %s", text, got.Format(time.RFC3339), err, want)
		}
	}
	if got, _ := Date("1405/01/01", now, true); got.Format(time.RFC3339) != "2026-03-21T20:30:00Z" {
		t.Errorf("the end of the day is %s", got)
	}
	for _, text := range []string{"", "x", "2026-02-29", "1404/12/30", "1405/13/01", "1405/07/31", "2026-1", "0/0/0", "-1d", "99999d", "1699/01/01/01", "99999-01-01", "2026-03-21T25:00:00Z"} {
		if got, err := Date(text, now, false); err == nil {
			t.Errorf("%q is taken for %s", text, got)
		}
	}
}

// Each day of the Iranian calendar is the day that it was made of.
func TestJalaliBothWays(t *testing.T) {
	for d := time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC); d.Year() < 2200; d = d.AddDate(0, 0, 1) {
		if got, ok := lang.FromJalali(lang.ToJalali(d), time.UTC); !ok || !got.Equal(d) {
			t.Fatalf("%s becomes %s, %v", d, got, ok)
		}
	}
}
