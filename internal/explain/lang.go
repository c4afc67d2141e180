package explain

import (
	"strings"

	"github.com/rahgir/caddy-payments/payment"
)

// Lang is a language of the explanations.
type Lang string

// The languages.
const (
	FA Lang = "fa"
	EN Lang = "en"
)

// ParseLang accepts "fa" and "en" and their regional forms.
func ParseLang(s string) (Lang, bool) {
	primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(s)), "-")
	switch Lang(primary) {
	case FA:
		return FA, true
	case EN:
		return EN, true
	}
	return "", false
}

// text is one sentence in both languages.
type text struct{ en, fa string }

func (t text) in(l Lang) string {
	if l == FA {
		return t.fa
	}
	return t.en
}

// Digits writes the digits of s as the language does.
func Digits(s string, l Lang) string {
	if l != FA {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return '۰' + (r - '0')
		case r == ',':
			return '٬'
		}
		return r
	}, s)
}

// Rial is an amount with its unit, as the language writes it.
func Rial(a payment.Rials, l Lang) string {
	return Digits(a.Grouped(), l) + " " + text{"rial", "ریال"}.in(l)
}

// Toman is an amount in toman with its unit, as the language writes it.
func Toman(a payment.Rials, l Lang) string {
	s := Digits(a.Toman(), l)
	if l == FA {
		s = strings.Replace(s, ".", "٫", 1)
	}
	return s + " " + text{"toman", "تومان"}.in(l)
}

// Plain writes Persian and Arabic digits as ASCII, as every id has them.
func Plain(s string) string { return payment.ASCIIDigits(s) }
