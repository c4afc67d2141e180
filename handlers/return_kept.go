package handlers

import (
	"slices"
	"strings"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/payment"
)

// lean returns what is kept of a large return before the provider has said that it is paid;
// nil if the return is small. It keeps every parameter that we read, and the small ones of
// the shop, which may tell the shop's router where the return belongs (wc-api=…). The
// largest are left out first.
func (v *Verify) lean(ret payment.Return) *payment.Return {
	over := ret.Size() - engine.LeanMost
	if over <= 0 {
		return nil
	}
	path, query, asked := strings.Cut(ret.URI, "?")
	pairs := strings.Split(query, "&")
	inQuery := len(pairs)
	if len(ret.Body) > 0 {
		pairs = append(pairs, strings.Split(string(ret.Body), "&")...)
	}
	order := make([]int, 0, len(pairs))
	for i, pair := range pairs {
		if !v.needs(params.NameOf(pair)) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return len(pairs[b]) - len(pairs[a]) })
	dropped := make(map[int]bool)
	for _, i := range order {
		if over <= 0 {
			break
		}
		dropped[i] = true
		over -= len(pairs[i]) + 1
	}
	keep := func(from, to int) string {
		var kept []string
		for i := from; i < to; i++ {
			if !dropped[i] {
				kept = append(kept, pairs[i])
			}
		}
		return strings.Join(kept, "&")
	}
	ret.URI = path
	if asked {
		ret.URI += "?" + keep(0, inQuery)
	}
	if len(ret.Body) > 0 {
		ret.Body = []byte(keep(inQuery, len(pairs)))
	}
	return &ret
}

// needs reports whether the route reads a parameter.
func (v *Verify) needs(name string) bool {
	return v.route.guarded.Guards(name) || slices.Contains(v.Bind, name)
}
