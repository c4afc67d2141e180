package caddyfile

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/handlers"
	"github.com/rahgir/caddy-payments/internal/block"
)

// maxDevices bounds `devices`: a slip must not open one purchase to everybody.
const maxDevices = 1000

// require reads a require line and its block.
func (s *siteBlock) require(d *caddyfile.Dispenser) error {
	mark := block.Mark(d)
	args := d.RemainingArgsAsTokens()
	m, err := s.match(d, "require", args)
	if err != nil {
		return err
	}
	if len(m.Paths) == 0 && len(m.MatchRaw) == 0 {
		return d.Err("require needs a path or a matcher: which pages must have been paid for? `/*` is all of them")
	}
	if err := s.needGlobal(d, "require"); err != nil {
		return err
	}
	q := &handlers.Require{Match: m}
	if err := block.Parse(d, "require", []block.Option{
		block.Each("item", &q.Items, sku),
		block.Text("checkout", &q.Checkout, plainPath("checkout")),
		block.Number("devices", &q.Devices, 1, maxDevices),
	}); err != nil {
		return err
	}
	if len(q.Items) == 0 {
		return mark.Err("require needs an `item <sku>`: what must have been bought?")
	}
	s.handler.Require = append(s.handler.Require, q)
	s.requireMarks = append(s.requireMarks, mark)
	return nil
}
