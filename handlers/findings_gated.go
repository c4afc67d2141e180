package handlers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rahgir/caddy-payments/internal/block"
)

// gatedReturns finds gates over the path on which customers come back from the gateway. A
// delivery opens only the gates of what it pays for, so whoever pays for anything else is
// stopped by the gate, with money that has left their account.
//
// The invariant: no gate stands unnoticed before a return that doesn't open it.
func gatedReturns(handlers []*Handler) (out []Finding) {
	for _, h := range handlers {
		for _, q := range h.Require {
			for _, path := range h.returnPaths() {
				if !q.guarded.slowly(path) || h.paysOnlyFor(q) {
					continue
				}
				out = adding(out, h.finding("gate_return", fmt.Sprintf(
					"a `require` of %s takes %s too, where customers come back from the gateway: who pays for something else is stopped there after paying; let the `require` take other paths, or give the return a path of its own",
					block.Join(q.Items, "or"), path)))
			}
		}
	}
	return out
}

// returnPaths are the paths of the verify and observe routes, as far as they are written out.
func (h *Handler) returnPaths() (paths []string) {
	add := func(m *Match) {
		for _, p := range m.plain() {
			if p = strings.TrimSuffix(p, "*"); p != "" && !strings.ContainsAny(p, `*?[\%{`) {
				paths = adding(paths, p)
			}
		}
	}
	for _, v := range h.Verify {
		add(&v.Match)
	}
	for _, o := range h.Observe {
		add(&o.Match)
	}
	return paths
}

// paysOnlyFor reports whether all that the block sells opens a gate. What the shop itself sells
// has no item.
func (h *Handler) paysOnlyFor(q *Require) bool {
	skus := sells(h.Checkout)
	return len(h.Observe) == 0 && len(skus) > 0 && !slices.ContainsFunc(skus, func(sku string) bool { return !slices.Contains(q.Items, sku) })
}
