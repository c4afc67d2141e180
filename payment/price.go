package payment

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNoUnit is wrapped by the error about a price that names no unit.
var ErrNoUnit = errors.New("the amount has no unit")

// units are the words that name a unit behind a number, in lower case. A longer word
// stands before those that it ends with.
var units = []struct {
	word string
	unit Unit
}{{"toman", Toman}, {"irt", Toman}, {"تومان", Toman}, {"rials", Rial}, {"rial", Rial}, {"irr", Rial}, {"ریال", Rial}}

// ParsePrice reads a price as the owner of a shop writes it in a Caddyfile:
// "120000toman", "1,200,000rial". The unit is part of it: read in the wrong one a price
// is ten times too high or too low, and nothing else would show it. A bare number is an
// error that wraps [ErrNoUnit] and says both readings.
func ParsePrice(s string) (Rials, error) {
	number, _, named := cutUnit(s)
	if named {
		return ParseAmount(s)
	}
	n, err := ParseRials(ungroup(number))
	if err != nil {
		return ParseAmount(s)
	}
	inToman, err := Toman.Rials(int64(n))
	if err != nil {
		return 0, fmt.Errorf("%w: %.24q is too large", ErrAmount, s)
	}
	return 0, fmt.Errorf("%w: write %dtoman (%s rials) or %drial (%s toman), not %.24q", ErrNoUnit, n, inToman.Grouped(), n, n.Toman(), s)
}

// cutUnit takes the unit off a written amount. Persian and Arabic digits become ASCII
// ones.
func cutUnit(s string) (number string, unit Unit, named bool) {
	t := strings.ToLower(strings.TrimSpace(ASCIIDigits(s)))
	for _, u := range units {
		if rest, ok := strings.CutSuffix(t, u.word); ok {
			return strings.TrimSpace(rest), u.unit, true
		}
	}
	return t, Rial, false
}

// ungroup takes the separators out of a number that is grouped in threes by one of
// them. Anything else, such as "12,00,0", stays as it is, and is no number then: with a
// digit lost or doubled in typing it would be another price.
func ungroup(number string) string {
	for _, sep := range []string{",", "_", "٬"} {
		if !strings.Contains(number, sep) {
			continue
		}
		groups := strings.Split(number, sep)
		for i, g := range groups {
			if i > 0 && len(g) != 3 || i == 0 && (len(g) == 0 || len(g) > 3) {
				return number
			}
		}
		return strings.Join(groups, "")
	}
	return number
}
