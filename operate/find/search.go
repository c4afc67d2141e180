package find

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/rahgir/caddy-payments/payment"
)

// MaxSearch is how long a search may be, in bytes.
const MaxSearch = 256

// ShortRef is how many characters of our reference do.
const ShortRef = 8

// Terms are all that a text may be a part of a payment by. It is looked for as each of
// them at once: whoever reads out a number seldom knows which number it is.
func Terms(text string) []payment.Term {
	text = Clean(text)
	if text == "" || len(text) > MaxSearch {
		return nil
	}
	var terms []payment.Term
	add := func(f payment.Field, value string) {
		if t := payment.NewTerm(f, value); t.Value != "" && !slices.Contains(terms, t) {
			terms = append(terms, t)
		}
	}
	add(payment.FieldOrder, text)
	add(payment.FieldID, text)
	add(payment.FieldTrack, text)
	add(payment.FieldItem, text)
	if ref, ok := Ref(text); ok {
		add(payment.FieldRef, ref)
	}
	plain := strings.NewReplacer(" ", "", ",", "", "،", "", "٬", "").Replace(text)
	if digits(plain) {
		add(payment.FieldReference, plain)
		add(payment.FieldNumber, plain)
	} else {
		add(payment.FieldReference, text)
		add(payment.FieldNumber, text)
	}
	if four, ok := card(plain); ok {
		add(payment.FieldCard, four)
	}
	if mobile, err := payment.ParseMobile(plain); err == nil {
		add(payment.FieldMobile, mobile)
	}
	for _, rials := range amounts(plain) {
		add(payment.FieldAmount, strconv.FormatInt(rials, 10))
	}
	return terms
}

// Clean is a text as it is looked for: digits of all scripts are ASCII's, and marks that
// nobody sees are gone.
func Clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, payment.ASCIIDigits(text))
	return strings.TrimSpace(text)
}

// Ref is one of our references, or the beginning of one, as people write it: in groups,
// with capitals.
func Ref(text string) (string, bool) {
	ref := strings.ToLower(strings.NewReplacer(" ", "", "-", "", "–", "").Replace(Clean(text)))
	if len(ref) < ShortRef || len(ref) > payment.RefLen || strings.Trim(ref, "0123456789abcdefghjkmnpqrstvwxyz") != "" {
		return "", false
	}
	return ref, true
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// card is a card's last four digits, written alone or behind the masked rest.
func card(s string) (string, bool) {
	s = strings.ReplaceAll(s, "-", "")
	if len(s) < 4 || !digits(s[len(s)-4:]) {
		return "", false
	}
	rest := s[:len(s)-4]
	masked := strings.ContainsAny(rest, "*xX•") && strings.Trim(rest, "0123456789*xX•") == ""
	whole := digits(rest) && len(s) == 16
	return s[len(s)-4:], rest == "" || masked || whole
}

// amounts are the sums in rials that a number may mean: with its unit that one, without
// it rials as well as toman.
func amounts(s string) []int64 {
	s = strings.ToLower(s)
	for _, unit := range []struct {
		word   string
		factor int64
	}{{"toman", 10}, {"تومان", 10}, {"rials", 1}, {"rial", 1}, {"ریال", 1}} {
		if number, ok := strings.CutSuffix(s, unit.word); ok {
			return times(number, unit.factor)
		}
	}
	return append(times(s, 1), times(s, 10)...)
}

func times(number string, factor int64) []int64 {
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n <= 0 || n > 1<<53/factor || !digits(number) {
		return nil
	}
	return []int64{n * factor}
}
