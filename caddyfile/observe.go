package caddyfile

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/handlers"
	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/internal/quote"
	"github.com/rahgir/caddy-payments/payment"
)

// observe reads an observe line and its block.
func (s *siteBlock) observe(d *caddyfile.Dispenser) error {
	mark := block.Mark(d)
	m, provider, err := s.returns(d, "observe")
	if err != nil {
		return err
	}
	o := &handlers.Observe{Match: m, Provider: provider}
	if err := block.Parse(d, "observe", []block.Option{
		answers("paid_when", &o.PaidWhen),
		block.Word("rescue", &o.Rescue, "on", "off"),
		ack(&o.Ack),
		answers("refused", &o.Refused, "preset"),
		block.Word("orders", &o.Orders, "once", "many"),
	}); err != nil {
		return err
	}
	if p, ok := s.unprovisioned(o.Provider); ok && len(o.PaidWhen) == 0 && !observable(p) {
		return mark.Errf("observe: %s can neither be relayed nor asked without settling, so nothing is known of the payments that return here: write `paid_when` with the answer by which the shop says that it is paid, such as paid_when redirect */order-received/*", quote.Called("provider", o.Provider))
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
