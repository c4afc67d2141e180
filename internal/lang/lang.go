// Package lang has the two languages in which this module speaks to people: which one a
// person wants, how it writes numbers, amounts and times, and sentences in both.
package lang

import (
	"strings"

	"github.com/rahgir/caddy-payments/payment"
)

// Lang is a language, by its HTML code.
type Lang string

// The languages.
const (
	FA Lang = "fa"
	EN Lang = "en"
)

// Parse accepts "fa" and "en" and their regional forms.
func Parse(s string) (Lang, bool) {
	primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(s)), "-")
	l := Lang(primary)
	return l, l == FA || l == EN
}

// Dir returns the direction of writing, as HTML names it.
func (l Lang) Dir() string {
	if l == FA {
		return "rtl"
	}
	return "ltr"
}

// Other returns the language that a page offers beside l.
func (l Lang) Other() Lang {
	if l == FA {
		return EN
	}
	return FA
}

// Text is one sentence in both languages: English, Persian. (An array, so that
// tables of sentences stay short.)
type Text [2]string

// In returns the sentence in l.
func (t Text) In(l Lang) string {
	if l == FA {
		return t[1]
	}
	return t[0]
}

var (
	digits  = strings.NewReplacer("0", "۰", "1", "۱", "2", "۲", "3", "۳", "4", "۴", "5", "۵", "6", "۶", "7", "۷", "8", "۸", "9", "۹", ",", "٬")
	decimal = strings.NewReplacer(".", "٫")
)

// Digits writes the digits and thousands of s as l does. A point stays what it is.
func Digits(s string, l Lang) string {
	if l == FA {
		return digits.Replace(s)
	}
	return s
}

// Number is Digits for a number, whose point is a decimal one.
func Number(s string, l Lang) string {
	if l == FA {
		return decimal.Replace(digits.Replace(s))
	}
	return s
}

var (
	rialWord  = Text{"rial", "ریال"}
	tomanWord = Text{"toman", "تومان"}
)

// Rial returns an amount with its unit.
func Rial(a payment.Rials, l Lang) string { return Number(a.Grouped(), l) + " " + rialWord.In(l) }

// Toman returns an amount in toman with its unit.
func Toman(a payment.Rials, l Lang) string { return Number(a.Toman(), l) + " " + tomanWord.In(l) }
