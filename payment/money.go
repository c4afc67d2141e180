package payment

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Rials is an amount of money in whole Iranian rials, the only unit inside
// this module: the rial of 2025. (The redenomination that was decided in October
// 2025 makes a new rial of 10,000 of these, on a day that is not named yet.) Zero
// means "not known" wherever an amount is optional: nobody pays nothing.
type Rials int64

// Unit is the unit in which a gateway, a shop or a person counts money, as a number of
// rials. A gateway's module converts with these methods. No other file has a factor.
type Unit int64

// The units.
const (
	Rial  Unit = 1
	Toman Unit = 10
	// newRial is the unit of the redenomination. No gateway uses it yet, but people mix up
	// prices with it.
	newRial Unit = 10_000
)

// Rials converts n of the unit. The error wraps [ErrAmount] if n is not more than zero, or
// too large.
func (u Unit) Rials(n int64) (Rials, error) {
	if n <= 0 || n > math.MaxInt64/int64(u) {
		return 0, fmt.Errorf("%w: %d", ErrAmount, n)
	}
	return Rials(n * int64(u)), nil
}

// Of converts an amount to the unit. whole is false if the result is no integer, so that
// the gateway can't be told it. See [Protocol.Step].
func (u Unit) Of(r Rials) (n int64, whole bool) {
	return int64(r) / int64(u), int64(r)%int64(u) == 0
}

// ErrAmount is wrapped by every error about an amount that cannot be read.
var ErrAmount = errors.New("not an amount")

// ParseRials reads a strictly written amount of rials: ASCII digits, no sign,
// no leading zero, no separators, greater than zero. It is for values that
// arrive on the wire; [ParseAmount] is for what people write.
func ParseRials(s string) (Rials, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || s[0] == '0' || len(s) > 18 || !digitsOnly(s) {
		return 0, fmt.Errorf("%w: %.24q", ErrAmount, s)
	}
	return Rials(n), nil
}

// ParseAmount reads an amount as a person writes it: "120000toman", "1200000rial", or
// a bare number, which is rials; what an owner writes is read by [ParsePrice]. Digits may
// stand in groups, as [Ungroup] says; Persian and Arabic digits count as digits.
func ParseAmount(s string) (Rials, error) {
	number, unit, _ := cutUnit(s)
	n, err := ParseRials(Ungroup(number))
	switch {
	case err != nil && strings.ContainsAny(number, ",_٬،'’"):
		return 0, fmt.Errorf("%w: %.24q (commas group digits in threes: 120,000toman; or leave them out)", ErrAmount, s)
	case err != nil:
		return 0, fmt.Errorf("%w: %.24q (write 120000toman or 1200000rial)", ErrAmount, s)
	}
	r, err := unit.Rials(int64(n))
	if err != nil {
		return 0, fmt.Errorf("%w: %.24q is too large", ErrAmount, s)
	}
	return r, nil
}

// String returns the amount in rials as plain digits, the form of every header and
// signature.
func (r Rials) String() string { return strconv.FormatInt(int64(r), 10) }

// Grouped returns the amount with a comma between groups of three digits.
func (r Rials) Grouped() string { return group(strconv.FormatInt(int64(r), 10)) }

// Toman returns the amount in toman with groups of three digits and, if it is no whole
// toman, one decimal.
func (r Rials) Toman() string {
	s := group(strconv.FormatInt(int64(r)/int64(Toman), 10))
	if rest := int64(r) % int64(Toman); rest != 0 {
		s += "." + strconv.FormatInt(rest, 10)
	}
	return s
}

// Slip returns the factor between two amounts if it shows that somebody mixed up two
// units: 10 (rial and toman), 1,000 (toman and the new rial, or thousands that were left
// out) or 10,000 (rial and the new rial). Otherwise it returns 0.
func Slip(a, b Rials) int64 {
	if a < b {
		a, b = b, a
	}
	if b <= 0 || a%b != 0 {
		return 0
	}
	switch factor := Unit(a / b); factor {
	case Toman, newRial / Toman, newRial:
		return int64(factor)
	}
	return 0
}

// slipReason names a slip.
func slipReason(a, b Rials) (Reason, bool) {
	switch Slip(a, b) {
	case int64(Toman):
		return ReasonTenfold, true
	case int64(newRial / Toman):
		return ReasonThousandfold, true
	case int64(newRial):
		return ReasonTenThousandfold, true
	}
	return "", false
}

func group(digits string) string {
	if len(digits) <= 3 {
		return digits
	}
	head := len(digits) % 3
	var b strings.Builder
	b.WriteString(digits[:head])
	for i := head; i < len(digits); i += 3 {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(digits[i : i+3])
	}
	return b.String()
}

// ASCIIDigits replaces Persian and Arabic-Indic digits by ASCII ones and
// leaves everything else as it is. Providers' documents print their codes in
// Persian digits; on the wire either may appear.
func ASCIIDigits(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return persianDigit(r) >= 0 }) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if d := persianDigit(r); d >= 0 {
			return '0' + d
		}
		return r
	}, s)
}

func persianDigit(r rune) rune {
	switch {
	case r >= '۰' && r <= '۹':
		return r - '۰'
	case r >= '٠' && r <= '٩':
		return r - '٠'
	}
	return -1
}

// ErrNoUnit is wrapped by the error about a price that names no unit.
var ErrNoUnit = errors.New("the amount has no unit")

// units are the words that name a unit behind a number, in lower case. A longer word
// stands before those that it ends with.
var units = []struct {
	word string
	unit Unit
}{{"toman", Toman}, {"irt", Toman}, {"تومان", Toman}, {"تومن", Toman}, {"rials", Rial}, {"rial", Rial}, {"irr", Rial}, {"ریال", Rial}, {"ريال", Rial}}

// ParsePrice reads an amount as the owner of a shop writes it, in a Caddyfile, behind a
// flag or in a form: "120000toman", "1,200,000rial". The unit is part of it: read in the wrong one a price
// is ten times too high or too low, and nothing else would show it. A bare number is an
// error that wraps [ErrNoUnit] and says both readings.
func ParsePrice(s string) (Rials, error) {
	number, _, named := cutUnit(s)
	if named {
		return ParseAmount(s)
	}
	n, err := ParseRials(Ungroup(number))
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

// separators are what people group digits with.
var separators = []string{",", "_", "٬", "،", "'", "’", " "}

// Ungroup takes the separators out of a number whose digits are grouped in threes by one
// of them: a comma, an underscore, an apostrophe or a space. Anything else, such as
// "12,00,0" or "1000,50", stays as it is, and is no number then: with a digit lost or
// doubled in typing, or with a comma for the decimal point, it would be another price.
func Ungroup(number string) string {
	number = strings.Join(strings.Fields(number), " ")
	for _, sep := range separators {
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
