package caddyfile

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/handlers"
	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/internal/track"
)

// track reads a track line and its block.
func (s *siteBlock) track(d *caddyfile.Dispenser) error {
	mark := block.Mark(d)
	args := d.RemainingArgsAsTokens()
	m, err := s.match(d, "track", args)
	if err != nil {
		return err
	}
	t := &handlers.Track{Match: m}
	if err := block.Parse(d, "track", []block.Option{
		block.Text("param", &t.Param, parameter("param")),
		block.Word("keep", &t.Keep, "cookie", "store"),
		block.Duration("ttl", &t.TTL, 0, "30d"),
		block.Text("affiliate", &t.Affiliate, s.affiliate),
		block.Word("attribution", &t.Attribution, "last", "first"),
		block.Text("pattern", &t.Pattern, func(d *caddyfile.Dispenser, pattern string) error {
			if _, err := track.ParsePattern(pattern); err != nil {
				return d.WrapErr(err)
			}
			return nil
		}),
	}); err != nil {
		return err
	}
	if t.Affiliate == "" {
		if err := s.affiliate(mark, ""); err != nil {
			return err
		}
	}
	s.handler.Track = append(s.handler.Track, t)
	return nil
}
