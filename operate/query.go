package operate

import (
	"maps"
	"net/url"
	"slices"

	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/internal/nearest"
)

// listing are the parameters that choose payments.
var (
	choosing = []string{"search", "from", "to", "state", "site", "provider", "order", "id", "conversion", "webhook", "owed"}
	listing  = append(slices.Clone(choosing), "cursor", "limit")
)

// queries are the parameters of each route, besides `lang` and `dry_run`, which all
// have.
var queries = map[string][]string{
	"list":       listing,
	"export":     listing,
	"stats":      choosing,
	"webhooks":   {"state", "cursor"},
	"import-ids": {"provider"},
}

// Queries are the parameters of a route, in the order in which they are said.
func Queries(route string) []string { return append(slices.Clone(queries[route]), "lang", "dry_run") }

// KnownQuery refuses a parameter that a route does not have. Left out in silence, a
// misspelt filter would show, or export, everybody's payments.
func KnownQuery(route string, q url.Values) error {
	known := Queries(route)
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if !slices.Contains(known, name) {
			hint := ""
			if near := nearest.Nearest(name, known); near != "" {
				hint = "; did you mean " + near + "?"
			}
			return input("there is no parameter %.40q%s; there are %s", name, hint, block.Join(known, "and"))
		}
		if len(q[name]) > 1 {
			return input("%s is given %d times", name, len(q[name]))
		}
	}
	return nil
}
