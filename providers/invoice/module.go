package invoice

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap/zapcore"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

func init() { caddy.RegisterModule(&Provider{}) }

// Provider is any host that runs the invoice script: payments are started with
// `/invoice/request`, paid at `/invoice/pay/{invoice_key}` and verified with
// `/invoice/check/{invoice_key}`.
//
// The script can't tell the first check from a repeated one and its answer does
// not name the order. So an order must be bound to the payment by an intent, by
// the shop's lookup, or by the shop's signature together with `used_ids`. What
// its return carries is not documented: nothing in it is believed, and nothing
// needs to be in it where the payment was started by a checkout.
type Provider struct {
	Account

	// Who bears the gateway's fee: `merchant`, so that the answered amount must
	// be the price, or `payer`, so that it may be the price plus the fee that
	// the script's best-known host publishes (1 % below 5,000 toman, 500 toman
	// to a million, 200 more for each further million). Default: `merchant`.
	Fee string `json:"fee,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Provider) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "payments.providers.invoice", New: func() caddy.Module { return new(Provider) }}
}

// UnmarshalCaddyfile sets up the provider from Caddyfile tokens. Syntax:
//
//	invoice [<name>] {
//		base_url      <url>
//		api_key       <key>
//		used_ids      imported|none
//		fee           merchant|payer
//		pay_url       <url>
//		timeout       <duration>
//		proxy_url     <url>
//		insecure_http [on|off]
//	}
func (p *Provider) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return wire.ParseBlock(d, p.options("", wire.Word("fee", &p.Fee, feeMerchant, feePayer))...)
}

// Provision resolves secrets and addresses. It makes no call.
func (p *Provider) Provision(ctx caddy.Context) error {
	return p.provision(ctx, "invoice", "", p.Fee)
}

// MarshalLogObject shows what logs may show.
func (p *Provider) MarshalLogObject(enc zapcore.ObjectEncoder) error { return p.log(enc, p.Fee) }

// Interface guards
var (
	_ wire.Module      = (*Provider)(nil)
	_ payment.Creator  = (*Provider)(nil)
	_ payment.UsedIDs  = (*Provider)(nil)
	_ payment.Relayer  = (*Provider)(nil)
	_ payment.PayPager = (*Provider)(nil)
)
