package caddyfile

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/handlers"
	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/internal/quote"
	"github.com/rahgir/caddy-payments/payment"
)

// unprovisioned returns an empty value of a configured provider's type; false if this build
// has no module of that type. A file is adapted without provisioning anything. The checks ask its protocol and never its name,
// so a module from another repository gets the same errors.
func (s *siteBlock) unprovisioned(name string) (payment.Provider, bool) {
	info, err := caddy.GetModule("payments.providers." + s.global.Providers[name].Type)
	if err != nil {
		return nil, false
	}
	p, ok := info.New().(payment.Provider)
	return p, ok
}

// ways lists what `expect` may say. `signed` is left out where the provider's answer
// binds neither order nor amount: anyone could use a signature with another payment.
func ways(p payment.Protocol) string {
	if !p.MayBeSigned() {
		return "expect intent|lookup"
	}
	return "expect intent|lookup|signed"
}

// check makes the checks that need the whole block.
func (s *siteBlock) check() error {
	for i, v := range s.handler.Verify {
		mark := s.verifyMarks[i]
		if err := s.checkTaken(mark, i); err != nil {
			return err
		}
		if err := s.checkExpect(mark, v); err != nil {
			return err
		}
	}
	for i, c := range s.handler.Checkout {
		for _, name := range c.Providers {
			if err := s.checkReturn(s.checkoutMarks[i], c, name); err != nil {
				return err
			}
		}
		for _, name := range c.Providers {
			if err := s.checkSells(s.checkoutMarks[i], c, name); err != nil {
				return err
			}
		}
	}
	for i, q := range s.handler.Require {
		if err := s.checkSold(s.requireMarks[i], q); err != nil {
			return err
		}
	}
	return nil
}

// checkTaken refuses a verify path that an earlier route already takes.
func (s *siteBlock) checkTaken(mark *caddyfile.Dispenser, index int) error {
	for _, path := range s.handler.Verify[index].Paths {
		for i, other := range s.handler.Verify[:index] {
			if slices.ContainsFunc(other.Paths, func(p string) bool { return handlers.OneSpelling(p) == handlers.OneSpelling(path) }) {
				return mark.Errf("verify %s is already specified in line %d, for %s; give each provider a path of its own",
					path, s.verifyMarks[i].Line(), other.Provider)
			}
		}
		for i, c := range s.handler.Checkout {
			if handlers.OneSpelling(c.Path) == handlers.OneSpelling(path) {
				return mark.Errf("verify %s takes what the checkout of line %d sells; give the return a path of its own",
					path, s.checkoutMarks[i].Line())
			}
		}
	}
	return nil
}

// checkExpect refuses a verify line that could never know order and amount.
func (s *siteBlock) checkExpect(mark *caddyfile.Dispenser, v *handlers.Verify) error {
	kind := s.global.Providers[v.Provider].Type
	provider, known := s.unprovisioned(v.Provider)
	if !known {
		return nil
	}
	p := provider.Protocol()
	mode := ""
	if v.Expect != nil {
		mode = v.Expect.Mode
	}
	switch {
	case v.Mode == "":
	case v.Expect != nil && mode != "none":
		return mark.Errf("mode plugin is short for `expect none` and `deliver idempotent`: leave out `mode plugin` or `expect %s`", mode)
	case v.Deliver == "once":
		return mark.Err("mode plugin is short for `expect none` and `deliver idempotent`: leave out `mode plugin` or `deliver once`")
	case !p.AnswersOrder:
		return mark.Errf("mode plugin is only for providers whose answer names the order, and that of %s does not: use the relay, which needs no change in the plugin either", called(v.Provider, kind))
	default:
		return nil
	}
	switch mode {
	case "":
		if !p.AnswersOrder && !slices.ContainsFunc(s.handler.Checkout, func(c *handlers.Checkout) bool { return slices.Contains(c.Providers, v.Provider) }) {
			return mark.Errf("say how order and amount are known, because the answer of %s does not name the order: %s",
				called(v.Provider, kind), ways(p))
		}
	case "none":
		if !p.AnswersOrder {
			return mark.Errf("expect none is only for providers whose answer names the order, and that of %s does not: %s",
				called(v.Provider, kind), ways(p))
		}
	case "lookup":
		if !p.ReturnsOrder && v.Order == "" {
			return mark.Errf("expect lookup needs `order <placeholder>`, such as order {query.order}: the return of %s does not name the order itself",
				called(v.Provider, kind))
		}
	case "signed":
		return s.checkSigned(mark, v, p)
	}
	return nil
}

func (s *siteBlock) checkSigned(mark *caddyfile.Dispenser, v *handlers.Verify, p payment.Protocol) error {
	used := s.global.Providers[v.Provider]
	if !p.MayBeSigned() {
		return mark.Errf("expect signed is refused for %s, whose answer names neither order nor amount, so that a signature could be used with another's payment: %s",
			called(v.Provider, used.Type), ways(p))
	}
	if !p.TellsFirst && used.UsedIDs == "" {
		return mark.Errf("expect signed needs `used_ids imported|none` in the block `provider %s`: its check can't tell a first answer from a repeated one, so receipts from before this ledger must be known",
			strings.TrimSuffix(used.Type+" "+v.Provider, " "+used.Type))
	}
	if len(s.handler.SigningKeys) == 0 && len(s.global.SigningKeys) == 0 {
		return mark.Err("expect signed needs a `signing_key`, here or in the global payments block: the shop must know it to sign")
	}
	return nil
}

// checkSells refuses a checkout whose provider can't start payments, or doesn't
// accept a price.
func (s *siteBlock) checkSells(mark *caddyfile.Dispenser, c *handlers.Checkout, name string) error {
	p, known := s.unprovisioned(name)
	if !known {
		return nil
	}
	if _, ok := p.(payment.Creator); !ok {
		return mark.Errf("checkout %s: %s cannot start payments; only the shop can", c.Path, called(name, s.global.Providers[name].Type))
	}
	if err := c.CheckPrices(name, p.Protocol()); err != nil {
		return mark.Errf("checkout %s: %w", c.Path, err)
	}
	return nil
}

// checkReturn refuses a checkout whose customers would not come back to a verify line.
func (s *siteBlock) checkReturn(mark *caddyfile.Dispenser, c *handlers.Checkout, provider string) error {
	var patterns []string
	matcher, plain := false, false
	for _, v := range s.handler.Verify {
		if v.Provider != provider {
			continue
		}
		patterns = append(patterns, v.Paths...)
		matcher = matcher || len(v.MatchRaw) > 0
		plain = plain || len(v.Paths) > 0 && !strings.ContainsAny(v.Paths[0], `*?[\`)
	}
	switch {
	case len(patterns) == 0 && !matcher:
		return mark.Errf("checkout %s has no way back: add `verify <path> %s` to this block", c.Path, provider)
	case c.Return == "" && !plain:
		return mark.Errf("checkout %s must say where its customers come back to: return <path>, one that the verify line of %s takes", c.Path, provider)
	case c.Return != "" && !matcher && !patternsTake(patterns, c.Return):
		return mark.Errf("checkout %s: no verify line of %s takes its return %s; they take %s", c.Path, provider, c.Return, block.Join(patterns, "and"))
	}
	return nil
}

// checkSold refuses paid content whose checkout doesn't exist (a dead link) or doesn't
// sell the item. In a block without any checkout the path may be the shop's own page.
func (s *siteBlock) checkSold(mark *caddyfile.Dispenser, q *handlers.Require) error {
	if len(s.handler.Checkout) == 0 {
		return nil
	}
	if q.Checkout == "" {
		if err := q.Openable(s.handler.Checkout); err != nil {
			return mark.Err(err.Error())
		}
		return nil
	}
	var paths []string
	for _, c := range s.handler.Checkout {
		if c.Path != strings.TrimRight(q.Checkout, "/") {
			paths = append(paths, c.Path)
			continue
		}
		if c.Catalogue != "" {
			return nil // what it sells is known when the configuration is loaded
		}
		var skus []string
		for _, item := range c.Items {
			if slices.Contains(q.Items, item.SKU) {
				return nil
			}
			skus = append(skus, item.SKU)
		}
		hint := "it takes donations only"
		if len(skus) > 0 {
			hint = block.Suggest(q.Items[0], skus)
		}
		return mark.Errf("require: checkout %s does not sell %s; %s", c.Path, block.Join(quote.Names(q.Items), "or"), hint)
	}
	return mark.Errf("require: there is no checkout %s in this block; %s", q.Checkout, block.Suggest(q.Checkout, paths))
}

// called is a provider as its owner names it, with its type where that is another word.
func called(name, kind string) string {
	if name == kind {
		return name
	}
	return name + " (" + kind + ")"
}
