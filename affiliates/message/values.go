package message

import (
	"strconv"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// SaleNames returns the placeholders of what is told about one payment.
func SaleNames() Names {
	return Names{
		Values: []string{
			"click", "order", "payment", "item", "site", "provider", "amount.rial", "amount.toman", "currency", "time.unix", "time.iso",
			"test", "kind", "remembered",
		},
		Numbers: []string{"amount.rial", "amount.toman", "time.unix", "test"},
		Fixed:   Fixed,
	}
}

// currency is the code of the rial in ISO 4217.
const currency = "IRR"

// SaleValues returns the values of [SaleNames].
func SaleValues(s payment.Sale) map[string]string {
	paid := s.PaidAt
	if paid.IsZero() {
		paid = s.At
	}
	return map[string]string{
		"click": s.Track.ID, "order": s.Order, "payment": string(s.Ref), "item": s.Item, "site": s.Site, "provider": s.Provider,
		"amount.rial": strconv.FormatInt(int64(s.Amount), 10), "amount.toman": toman(s.Amount), "currency": currency,
		"time.unix": strconv.FormatInt(paid.Unix(), 10), "time.iso": paid.UTC().Format(time.RFC3339),
		"test": strconv.FormatBool(s.Test()), "kind": string(s.Kind), "remembered": s.Remembered,
	}
}

// toman returns an amount in toman, with a fraction where it has one.
func toman(a payment.Rials) string {
	unit := int64(payment.Toman)
	s := strconv.FormatInt(int64(a)/unit, 10)
	if rest := int64(a) % unit; rest != 0 {
		s += "." + strings.TrimRight(strconv.FormatInt(unit+max(rest, -rest), 10)[1:], "0")
	}
	return s
}

// Fixed resolves {env.NAME} and {file./path}. An empty one is an error that names
// no value.
func Fixed(name string) (string, bool, error) {
	if !strings.HasPrefix(name, "env.") && !strings.HasPrefix(name, "file.") {
		return "", false, nil
	}
	s, _, err := wire.ResolveSecret("a placeholder", "{"+name+"}")
	return s.Reveal(), true, err
}
