package handlers

import (
	"strings"
	"unicode"
)

// tomans and rialWords are how people write the unit, in either language.
var (
	tomanWords = []string{"تومان", "تومن", "toman", "tomans"}
	rialWords  = []string{"ریال", "ريال", "rial", "rials", "irr"}
)

// written makes of a sum in toman, as people write it ("۵۰۰۰۰ تومان", "50 000",
// "50,000"), one that [payment.ParseAmount] reads. A unit that is named counts. What
// groups digits stays: it must group them in threes, so that "10000,50" is no sum.
func written(text string) string {
	text = strings.ToLower(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, strings.TrimSpace(text)))
	for _, unit := range []struct {
		words []string
		name  string
	}{{tomanWords, "toman"}, {rialWords, "rial"}} {
		for _, word := range unit.words {
			if digits, ok := strings.CutSuffix(text, word); ok {
				return digits + unit.name
			}
		}
	}
	return text + "toman"
}
