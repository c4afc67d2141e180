package caddyfile

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/handlers"
	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/internal/quote"
	"github.com/rahgir/caddy-payments/payment"
)

// relay reads a relay line and its block.
func (s *siteBlock) relay(d *caddyfile.Dispenser) error {
	args, err := block.Args(d)
	if err != nil {
		return err
	}
	l := &handlers.Relay{Path: args[0]}
	if err := checkRelayPath(d, l.Path); err != nil {
		return err
	}
	for _, name := range args[1:] {
		if err := s.relayable(d, "relay", name); err != nil {
			return err
		}
	}
	l.Providers = args[1:]
	if err := block.Parse(d, "relay", l.Lines()); err != nil {
		return err
	}
	s.handler.Relay = append(s.handler.Relay, l)
	return nil
}

// checkRelayPath wants a plain path, in which a placeholder may stand for a secret.
func checkRelayPath(d *caddyfile.Dispenser, path string) error {
	plain := path
	for strings.Contains(plain, "{") {
		before, rest, _ := strings.Cut(plain, "{")
		_, after, closed := strings.Cut(rest, "}")
		if !closed {
			return d.Err("relay: a placeholder in its path has no end: write {env.NAME}")
		}
		plain = before + "x" + after
	}
	if strings.Trim(plain, "/") == "" {
		return d.Err("relay takes a path of its own, best with a secret in it: relay /-/pay/{env.RELAY_SECRET}")
	}
	// Its path may be the secret itself.
	if strings.HasPrefix(plain, "/") && checkPlainPath(d, "relay", plain) != nil {
		return d.Err("relay takes one plain path, such as /-/pay/{env.RELAY_SECRET}: without * ? # % and doubled slashes")
	}
	return checkPlainPath(d, "relay", plain)
}

// relayable wants a provider whose own API can be served.
func (s *siteBlock) relayable(d *caddyfile.Dispenser, what, name string) error {
	if err := s.provider(d, what, name); err != nil {
		return err
	}
	p, known := s.unprovisioned(name) // a type of no module in this build is told elsewhere
	if _, ok := p.(payment.Relayer); known && !ok {
		return d.Errf("%s: the API of %s can't be relayed; use `verify`, and let the shop announce its payments", what, quote.Called("provider", name))
	}
	return nil
}
