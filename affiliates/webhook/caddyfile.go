package webhook

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/internal/block"
)

// UnmarshalCaddyfile sets up a receiver from Caddyfile tokens. Syntax:
//
//	webhook <url> {
//		secret  <whsec_...>
//		events  <type>...
//		name    <name>
//		timeout <duration>
//		proxy_url <url>
//		insecure_http [on|off]
//	}
func (h *Hook) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // webhook
	if !d.NextArg() || d.Val() == "" {
		return d.Err("webhook needs the address to send to: webhook https://shop.example.com/hooks/payments { … }")
	}
	h.URL = d.Val()
	if d.CountRemainingArgs() > 0 {
		d.NextArg()
		return d.Err("webhook takes one address; its options go into a block")
	}
	if err := block.Parse(d, "webhook", []block.Option{
		{Name: "secret", Many: true, Read: func(d *caddyfile.Dispenser) error {
			var s string
			if err := block.Arg(d, &s); err != nil {
				return err
			}
			h.Secrets = append(h.Secrets, s)
			return nil
		}},
		block.Strings("events", &h.Events), block.String("name", &h.Name),
		block.Duration("timeout", &h.Timeout, 0, DefaultTimeout.String()),
		block.String("proxy_url", &h.ProxyURL),
		block.Switch("insecure_http", func(on bool) { h.InsecureHTTP = on }),
	}); err != nil {
		return err
	}
	if err := h.Check(); err != nil {
		return d.Errf("webhook: %v", err)
	}
	return nil
}

// Interface guard
var _ caddyfile.Unmarshaler = (*Hook)(nil)
