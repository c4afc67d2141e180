package idpay

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

func init() { caddy.RegisterModule(&Provider{}) }

// The addresses in IDPay's document.
const (
	defaultAPI  = "https://api.idpay.ir"
	defaultPage = "https://idpay.ir"
)

// Provider is IDPay, protocol v1.1. It verifies payments with
// `/v1.1/payment/verify`, asks about them with `/v1.1/payment/inquiry` and
// starts them with `/v1.1/payment`. Its answers name the order and the amount,
// tell the first verification from a repeated one, and carry the time of both;
// money that is not verified within ten minutes goes back to the payer.
type Provider struct {
	wire.ProviderConfig
	wire.PayPages

	// The web service's key, sent as `X-API-KEY`. Write `{env.NAME}` or
	// `{file./path}`. Required.
	APIKey string `json:"api_key,omitempty"`

	// Simulate payments: `X-SANDBOX: 1` is sent, no money moves, and what is
	// delivered to the shop is marked `sandbox`. Default: false.
	Sandbox bool `json:"sandbox,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Provider) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "payments.providers.idpay", New: func() caddy.Module { return new(Provider) }}
}

// UnmarshalCaddyfile sets up the provider from Caddyfile tokens. Syntax:
//
//	idpay [<name>] {
//		api_key       <key>
//		sandbox       [on|off]
//		base_url      <url>
//		pay_url       <url>
//		timeout       <duration>
//		proxy_url     <url>
//		insecure_http [on|off]
//	}
func (p *Provider) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return wire.ParseBlock(d, append(p.Options(defaultAPI, defaultPage),
		wire.Credential("api_key", &p.APIKey),
		wire.Switch("sandbox", func(on bool) { p.Sandbox = on }),
	)...)
}

// Provision resolves secrets and addresses. It makes no call.
func (p *Provider) Provision(ctx caddy.Context) error {
	d := wire.Document{Type: protocol.Name, Protocol: protocol.Name, API: defaultAPI, Credential: "api_key", Written: p.APIKey, Sandbox: p.Sandbox}
	return p.Open(ctx, d, func() error {
		// The document's keys have this form; it doesn't say that there is no other.
		if _, ok := wire.UUID(p.Key().Reveal()); !ok {
			ctx.Logger().Warn("api_key is not of the form of IDPay's keys, which are UUIDs such as 6a7f99eb-7c20-4412-a972-6dfb7cd253a4: payments will be refused if it isn't one")
		}
		// Only pages of the configured environment are ours: a sandbox payment must not become
		// a live intent.
		path := "/p/ws/*"
		if p.Sandbox {
			path = "/p/ws-sandbox/*"
		}
		pages, err := p.PagesAt(defaultPage, nil, path)
		p.SetPages(pages, wire.Checked(checkID))
		return err
	})
}

// Interface guards
var (
	_ wire.Module        = (*Provider)(nil)
	_ payment.Creator    = (*Provider)(nil)
	_ payment.Inquirer   = (*Provider)(nil)
	_ payment.Bookkeeper = (*Provider)(nil)
	_ payment.Relayer    = (*Provider)(nil)
	_ payment.PayPager   = (*Provider)(nil)
	_ payment.Masker     = (*Provider)(nil)
)
