package payment

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Rials is an amount of money in whole Iranian rials, the only unit inside
// this module. Zero means "not known" wherever an amount is optional: nobody
// pays nothing.
type Rials int64

// ErrAmount is wrapped by every error about an amount that cannot be read.
var ErrAmount = errors.New("not an amount")

// rialsPerToman is the factor between the two units that Iranian prices are
// quoted in, and thus the factor of the commonest mistake.
const rialsPerToman = 10

// ParseRials reads a strictly written amount of rials: ASCII digits, no sign,
// no leading zero, no separators, greater than zero. It is for values that
// arrive on the wire; [ParseAmount] is for what people write.
func ParseRials(s string) (Rials, error) {
	if s == "" || s[0] == '0' || len(s) > 18 {
		return 0, fmt.Errorf("%w: %.24q", ErrAmount, s)
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, fmt.Errorf("%w: %.24q", ErrAmount, s)
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: %.24q", ErrAmount, s)
	}
	return Rials(n), nil
}

// ParseAmount reads an amount as a person writes it in a configuration:
// "120000toman", "1200000rial", or a bare number, which is rials. Underscores
// and commas may group digits; Persian and Arabic digits count as digits.
func ParseAmount(s string) (Rials, error) {
	t := strings.ToLower(strings.TrimSpace(ASCIIDigits(s)))
	factor := int64(1)
	for _, unit := range []struct {
		name   string
		factor int64
	}{{"toman", rialsPerToman}, {"irt", rialsPerToman}, {"تومان", rialsPerToman}, {"rials", 1}, {"rial", 1}, {"irr", 1}, {"ریال", 1}} {
		if rest, ok := strings.CutSuffix(t, unit.name); ok {
			t, factor = strings.TrimSpace(rest), unit.factor
			break
		}
	}
	t = strings.NewReplacer("_", "", ",", "", "٬", "").Replace(t)
	n, err := ParseRials(t)
	if err != nil {
		return 0, fmt.Errorf("%w: %.24q (write 120000toman, 1200000rial, or bare rials)", ErrAmount, s)
	}
	if int64(n) > math.MaxInt64/factor {
		return 0, fmt.Errorf("%w: %.24q is too large", ErrAmount, s)
	}
	return n * Rials(factor), nil
}

// String is the amount in rials as plain digits, the form of every header and
// signature.
func (r Rials) String() string { return strconv.FormatInt(int64(r), 10) }

// Grouped is the amount with a comma between groups of three digits.
func (r Rials) Grouped() string { return group(strconv.FormatInt(int64(r), 10)) }

// Toman is the amount in toman with groups of three digits and, where it is
// no whole toman, one decimal.
func (r Rials) Toman() string {
	s := group(strconv.FormatInt(int64(r)/rialsPerToman, 10))
	if rest := int64(r) % rialsPerToman; rest != 0 {
		s += "." + strconv.FormatInt(rest, 10)
	}
	return s
}

// TenfoldSlip reports whether one amount is exactly ten times the other: the
// mark of a price in toman that was read as rials, or the reverse.
func TenfoldSlip(a, b Rials) bool {
	if a <= 0 || b <= 0 {
		return false
	}
	return (a%rialsPerToman == 0 && a/rialsPerToman == b) || (b%rialsPerToman == 0 && b/rialsPerToman == a)
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
