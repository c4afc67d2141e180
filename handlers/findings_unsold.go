package handlers

import (
	"fmt"
	"slices"

	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/internal/quote"
)

// sells returns the skus that checkouts sell, donations included.
func sells(checkouts []*Checkout) (skus []string) {
	for _, c := range checkouts {
		if c.conf.stock == nil { // not provisioned: a catalogue is not read yet
			for _, item := range c.Items {
				skus = adding(skus, item.SKU)
			}
		}
		for _, item := range c.items() {
			skus = adding(skus, item.SKU)
		}
		if c.Donate != nil {
			skus = adding(skus, donation)
		}
	}
	return skus
}

// Openable returns an error for paid content that nothing which the block sells can open.
// Content of a block without any checkout may be opened by another block of its site, and
// what a catalogue sells changes while Caddy runs: see unsold.
//
// Invariant: whatever is in a catalogue's file, a Caddy that has sold from it starts with
// it again.
func (q *Require) Openable(checkouts []*Checkout) error {
	if slices.ContainsFunc(checkouts, func(c *Checkout) bool { return c.Catalogue != "" }) {
		return nil
	}
	skus := sells(checkouts)
	if len(skus) == 0 || slices.ContainsFunc(q.Items, func(item string) bool { return slices.Contains(skus, item) }) {
		return nil
	}
	return errorUnsold(q.Items, skus)
}

// unsold finds what paid content asks for and no checkout of its site sells: nobody can
// buy what opens it, be it misspelt or sold no longer.
//
// The invariant: each item of a `require` is sold by its site, or the owner was told.
func unsold(handlers []*Handler) (out []Finding) {
	sold := make(map[string][]string)
	for _, h := range handlers {
		for _, sku := range sells(h.Checkout) {
			sold[h.place().shopKey()] = adding(sold[h.place().shopKey()], sku)
		}
	}
	for _, h := range handlers {
		skus := sold[h.place().shopKey()]
		for _, q := range h.Require {
			for _, item := range q.Items {
				if slices.Contains(skus, item) {
					continue
				}
				out = adding(out, Finding{Code: "unsold", Where: h.place().shopName(), Text: "only visitors who bought it before get in; " + errorUnsold([]string{item}, skus).Error()})
			}
		}
	}
	return out
}

// errorUnsold says what a require asks for in vain, and what there is.
func errorUnsold(items, skus []string) error {
	instead := block.Suggest(items[0], skus)
	switch {
	case len(skus) == 0:
		return fmt.Errorf("require: no checkout of this site sells %s: add a `checkout` with it", block.Join(quote.Names(items), "or"))
	case slices.Equal(skus, []string{donation}):
		instead = "it takes donations only"
	}
	return fmt.Errorf("require: no checkout of this site sells %s; %s", block.Join(quote.Names(items), "or"), instead)
}
