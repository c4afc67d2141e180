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
		{Name: "param", Read: func(d *caddyfile.Dispenser) error {
			if err := block.Arg(d, &t.Param); err != nil {
				return err
			}
			return checkParameter(d, "param", t.Param)
		}},
		block.Word("keep", &t.Keep, "cookie", "store"),
		block.Duration("ttl", &t.TTL, 0, "30d"),
		{Name: "affiliate", Read: func(d *caddyfile.Dispenser) error {
			if err := block.Arg(d, &t.Affiliate); err != nil {
				return err
			}
			return s.affiliate(d, t.Affiliate)
		}},
		block.Word("attribution", &t.Attribution, "last", "first"),
		{Name: "pattern", Read: func(d *caddyfile.Dispenser) error {
			if err := block.Arg(d, &t.Pattern); err != nil {
				return err
			}
			if _, err := track.ParsePattern(t.Pattern); err != nil {
				return d.WrapErr(err)
			}
			return nil
		}},
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
