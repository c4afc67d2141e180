package caddyfile

import (
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/handlers"
	"github.com/rahgir/caddy-payments/internal/block"
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
			return d.Errf("relay: the placeholder in '%s' has no end", path)
		}
		plain = before + "x" + after
	}
	if strings.Trim(plain, "/") == "" {
		return d.Err("relay takes a path of its own, best with a secret in it: relay /-/pay/{env.RELAY_SECRET}")
	}
	return checkPlainPath(d, "relay", plain)
}

// relayable wants a provider whose own API can be served.
func (s *siteBlock) relayable(d *caddyfile.Dispenser, what, name string) error {
	if err := s.provider(d, what, name); err != nil {
		return err
	}
	info, err := caddy.GetModule("payments.providers." + s.global.Providers[name].Type)
	if err != nil {
		return nil //nolint:nilerr // a type of no module in this build is told elsewhere
	}
	if _, ok := info.New().(payment.Relayer); !ok {
		return d.Errf("%s: the API of provider '%s' can't be relayed; use `verify`, and let the shop announce its payments", what, name)
	}
	return nil
}

// observe reads an observe line and its block.
func (s *siteBlock) observe(d *caddyfile.Dispenser) error {
	args := d.RemainingArgsAsTokens()
	last := len(args) - 1
	if last < 0 || strings.HasPrefix(args[last].Text, "/") || strings.HasPrefix(args[last].Text, "@") || args[last].Text == "*" {
		return d.Err("observe needs a provider as its last word: observe <path> <provider>")
	}
	o := &handlers.Observe{Provider: args[last].Text}
	m, err := s.match(d, "observe", args[:last])
	if err != nil {
		return err
	}
	if o.Match = m; len(m.Paths) == 0 && len(m.MatchRaw) == 0 {
		return d.Errf("observe needs a path or a matcher before the provider: observe <path> %s", o.Provider)
	}
	if err := o.Match.Narrow(); err != nil {
		return d.Errf("observe %w", err)
	}
	if err := s.relayable(d, "observe", o.Provider); err != nil {
		return err
	}
	if err := block.Parse(d, "observe", []block.Option{
		block.Word("rescue", &o.Rescue, "on", "off"),
		{Name: "refused", Many: true, Read: func(d *caddyfile.Dispenser) error { return readRefused(d, &o.Refused) }},
		block.Word("orders", &o.Orders, "once", "many"),
	}); err != nil {
		return err
	}
	s.handler.Observe = append(s.handler.Observe, o)
	return nil
}
