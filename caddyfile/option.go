package caddyfile

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// checkParameter refuses names that a query parameter can't have: PHP folds some
// characters into others, and the rest would end the name.
func checkParameter(d *caddyfile.Dispenser, option, name string) error {
	if strings.ContainsAny(name, "=&?#/%+ {}\t\r\n") {
		return d.Errf("%s takes the name of a parameter, such as order_id, not '%s'", option, name)
	}
	return nil
}
