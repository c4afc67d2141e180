// Package quote decides what an error about the configuration shows of what is written
// there.
//
// Its rule: an error shows only words that we know, near misses of them, numbers and
// durations, and names and files that read as such where one is expected. Everything else
// may be a secret that a slip has put in the wrong place, and the error's line, option and
// advice do without it.
package quote

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/rahgir/caddy-payments/internal/nearest"
)

// number is a number, a group of them such as 10.0.0.0/8, or a duration. Longer ones may be
// an account.
var number = regexp.MustCompile(`^[-+]?(?:\d{1,9}(?:[.,]\d{1,3}){0,4}(?:/\d{1,3})?|(?i:\d{1,6}(?:\.\d{1,3})? ?(?:ns|us|µs|ms|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?|w|weeks?|months?|years?)){1,4})$`)

// word is a part of a name: letters, with digits at its ends if any.
const word = `\d{0,4}[A-Z]?[a-z\p{Lo}\p{Mn}\x{200c}]{0,16}\d{0,4}`

// name is what people call a shop, a page or a file.
var name = regexp.MustCompile(`^` + word + `(?:[-_./]` + word + `)*$`)

// mostDigits a name may have: keys have more.
const mostDigits = 4

// Known reports whether an error may show a word where one of known belongs, or a number.
// Digits in place of letters make a password of a word, so a near miss has none of its own.
func Known(got string, known ...string) bool {
	if near := nearest.Nearest(got, known); near != "" && digits(got) <= digits(near) {
		return true
	}
	return got != "" && len(got) <= 16 && number.MatchString(got)
}

// elsewhere are options that another gateway has, and which people write by habit.
var elsewhere = []string{
	"access_token", "account_id", "api_key", "base_url", "business", "callback", "compare_order", "fee", "merchant", "merchant_id", "password", "pay_url",
	"pin", "reversible", "sandbox", "secret", "signing_key", "terminal", "terminal_id", "token", "unit", "used_ids", "username",
}

// Elsewhere reports whether an option is known, but not where it stands.
func Elsewhere(got string) bool { return slices.Contains(elsewhere, got) }

// Not ends "must be x or y" with what stands there instead, if that may be shown.
func Not(got string, known ...string) string {
	if !Known(got, known...) {
		return ""
	}
	return ", not '" + got + "'"
}

// Name reports whether a text reads as a name: a secret that took a name's place doesn't.
func Name(got string) bool {
	return len(got) <= 128 && name.MatchString(got) && digits(got) <= mostDigits
}

func digits(s string) (n int) {
	for _, r := range s {
		if unicode.IsDigit(r) {
			n++
		}
	}
	return n
}

// Called returns "provider 'idpay'", or without the name if that may be a secret.
func Called(what, name string) string {
	if !Name(name) {
		return "the " + what + " of this name"
	}
	return what + " '" + name + "'"
}

// Names are those of a list that read as names; one "…" stands for the others.
func Names(all []string) []string {
	var shown []string
	hidden := false
	for _, n := range all {
		if Name(n) {
			shown = append(shown, n)
			continue
		}
		hidden = true
	}
	if hidden {
		shown = append(shown, "…")
	}
	return shown
}

// File returns what may be shown where a file or a path of the site belongs, without a
// query; "" if it is nothing of the kind.
func File(got string) string {
	path := got
	if i := strings.IndexAny(got, "?#"); i >= 0 {
		path = got[:i]
	}
	// What begins with a slash is a path, which browsers see anyway.
	sure := strings.HasPrefix(path, "/") && !strings.ContainsAny(path, "@=:")
	if !sure && !Name(strings.TrimLeft(path, "*")) {
		return ""
	}
	if path != got {
		path = got[:len(path)+1] + "…"
	}
	return path
}

// This returns a file or path in quotes, or the word "this".
func This(got string) string {
	if f := File(got); f != "" {
		return "'" + f + "'"
	}
	return "this"
}
