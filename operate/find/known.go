package find

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/rahgir/caddy-payments/internal/nearest"
)

// filters are the parameters that choose payments, wherever payments are chosen.
var filters = []string{"state", "site", "provider", "order", "id", "conversion", "webhook", "owed", "search", "from", "to"}

// always are the parameters that every route takes.
var always = []string{"lang", "dry_run"}

// Known are the parameters of the routes that choose payments, by route. A parameter that
// is not in this table is refused: one that is misspelt would otherwise choose everything.
var known = map[string][]string{
	"list":       append(slices.Clone(filters), "cursor", "limit"),
	"export":     append(slices.Clone(filters), "cursor", "limit"),
	"stats":      filters,
	"import-ids": {"provider"},
}

// Known are the parameters that a route takes.
func Known(route string) []string { return slices.Concat(known[route], always) }

// Check refuses what a route doesn't know, and what is said twice.
func Check(route string, q url.Values) error {
	names := Known(route)
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if !slices.Contains(names, name) {
			hint := ""
			if near := nearest.Nearest(name, names); near != "" {
				hint = fmt.Sprintf(", did you mean %q?", near)
			}
			return fmt.Errorf("there is no parameter %.40q%s; they are %s", name, hint, strings.Join(names, ", "))
		}
		if len(q[name]) > 1 {
			return fmt.Errorf("the parameter %q is given %d times", name, len(q[name]))
		}
	}
	return nil
}
