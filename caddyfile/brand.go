package caddyfile

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/handlers"
	"github.com/rahgir/caddy-payments/internal/block"
)

// brand reads a brand line and its block.
func (s *siteBlock) brand(d *caddyfile.Dispenser) error {
	mark := block.Mark(d)
	args := d.RemainingArgs()
	switch {
	case len(args) == 0:
		return d.Err("brand needs the shop's name: brand \"My shop\"")
	case len(args) > 1:
		return d.Err("brand takes one name: put several words in quotes: brand \"My shop\"")
	}
	b := &handlers.Brand{Name: args[0]}
	if err := block.Parse(d, "brand", []block.Option{
		block.String("logo", &b.Logo),
		block.String("color", &b.Color),
		block.String("support", &b.Support),
		block.String("home", &b.Home),
	}); err != nil {
		return err
	}
	if err := b.Check(); err != nil {
		return mark.Err(err.Error())
	}
	s.handler.Brand = b
	return nil
}
