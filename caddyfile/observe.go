package caddyfile

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/handlers"
	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/payment"
)

// observe reads an observe line and its block.
func (s *siteBlock) observe(d *caddyfile.Dispenser) error {
	mark := block.Mark(d)
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
	if err := s.provider(d, "observe", o.Provider); err != nil {
		return err
	}
	if err := block.Parse(d, "observe", []block.Option{
		{Name: "paid_when", Many: true, Read: func(d *caddyfile.Dispenser) error { return readAnswers(d, "paid_when", &o.PaidWhen) }},
		block.Word("rescue", &o.Rescue, "on", "off"),
		{Name: "ack", Read: func(d *caddyfile.Dispenser) error { return readAck(d, &o.Ack) }},
		{Name: "refused", Many: true, Read: func(d *caddyfile.Dispenser) error { return readRefused(d, &o.Refused) }},
		block.Word("orders", &o.Orders, "once", "many"),
	}); err != nil {
		return err
	}
	if p, ok := s.unprovisioned(o.Provider); ok && len(o.PaidWhen) == 0 && !observable(p) {
		return mark.Errf("observe: provider '%s' can neither be relayed nor asked without settling, so nothing is known of the payments that return here: write `paid_when` with the answer by which the shop says that it is paid, such as paid_when redirect */order-received/*", o.Provider)
	}
	s.handler.Observe = append(s.handler.Observe, o)
	return nil
}

// observable: something is known of a provider's payments without settling them.
func observable(p payment.Provider) bool {
	_, relays := p.(payment.Relayer)
	_, inquires := p.(payment.Inquirer)
	return relays || inquires
}
