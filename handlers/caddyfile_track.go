package handlers

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/internal/track"
)

// track reads a track line and its block.
func (s *siteBlock) track(d *caddyfile.Dispenser) error {
	mark := markOf(d)
	args := d.RemainingArgsAsTokens()
	m, err := s.match(d, "track", args)
	if err != nil {
		return err
	}
	t := &Track{Match: m}
	if err := parseBlock(d, "track", []blockOption{
		{name: "param", read: func(d *caddyfile.Dispenser) error {
			if err := readArg(d, &t.Param); err != nil {
				return err
			}
			return checkParameter(d, "param", t.Param)
		}},
		wordOption("keep", &t.Keep, "cookie", "store"),
		durationOption("ttl", &t.TTL, "30d"),
		{name: "affiliate", read: func(d *caddyfile.Dispenser) error {
			if err := readArg(d, &t.Affiliate); err != nil {
				return err
			}
			return s.affiliate(d, t.Affiliate)
		}},
		wordOption("attribution", &t.Attribution, "last", "first"),
		{name: "pattern", read: func(d *caddyfile.Dispenser) error {
			if err := readArg(d, &t.Pattern); err != nil {
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
