package caddyfile

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/internal/catalogue"
)

// parameter refuses names that a query parameter can't have: PHP folds some characters
// into others, and the rest would end the name.
func parameter(option string) func(*caddyfile.Dispenser, string) error {
	return func(d *caddyfile.Dispenser, name string) error {
		if strings.ContainsAny(name, "=&?#/%+ {}\t\r\n") {
			return d.Errf("%s takes the name of a parameter, such as order_id, without any of = & ? # / %% + and spaces", option)
		}
		return nil
	}
}

// sku refuses what can't name an item.
func sku(d *caddyfile.Dispenser, text string) error {
	if err := catalogue.CheckSKU(text); err != nil {
		return d.WrapErr(err)
	}
	return nil
}
