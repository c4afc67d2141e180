package payping

import (
	"cmp"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap/zapcore"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

func init() { caddy.RegisterModule(&Provider{}) }

// defaultAPI is the address in PayPing's document, for the API and the pay page.
const defaultAPI = "https://api.payping.ir"

// otherHosts are PayPing's, too: which one the `url` of a payment names is not documented.
var otherHosts = []string{"https://payping.ir", "https://www.payping.ir", "https://app.payping.ir", "https://ipg.payping.ir"}

// Provider is PayPing, API v3. It starts payments with `/v3/pay`, verifies them with
// `/v3/pay/verify` and asks about them with `/v1/report/{code}`.
//
// Verify must be told the bank's number (`paymentRefId`), which only the customer's
// return brings: a payment whose customer doesn't come back can't be verified here.
// An order must be bound to the payment by an intent, by the shop's lookup or by the
// shop's signature.
type Provider struct {
	wire.ProviderConfig
	wire.PayPages

	// The token of PayPing's panel, sent as `Authorization: Bearer`. Write
	// `{env.NAME}` or `{file./path}`. Required.
	Token string `json:"token,omitempty"`

	// The token is PayPing's test token: what is delivered to the shop is marked
	// `sandbox`. Default: false.
	Sandbox bool `json:"sandbox,omitempty"`

	// Whether the order that PayPing names (`clientRefId`) must be the shop's: `on` or
	// `off`. Write `off` where the shop gives PayPing another number than it
	// announces. Default: `on`.
	CompareOrder string `json:"compare_order,omitempty"`

	// Whether payments are started as ones that can be reversed for 30 minutes after
	// they were verified: `on` or `off`. What PayPing takes for that, its document
	// doesn't say. Default: `off`.
	Reversible string `json:"reversible,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Provider) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "payments.providers.payping", New: func() caddy.Module { return new(Provider) }}
}

// UnmarshalCaddyfile sets up the provider from Caddyfile tokens. Syntax:
//
//	payping [<name>] {
//		token         <token>
//		sandbox       [on|off]
//		compare_order [on|off]
//		reversible    [on|off]
//		base_url      <url>
//		pay_url       <url>
//		timeout       <duration>
//		proxy_url     <url>
//		insecure_http [on|off]
//	}
func (p *Provider) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return wire.ParseBlock(d, append(p.Options(defaultAPI, defaultAPI),
		wire.Credential("token", &p.Token),
		wire.Switch("sandbox", func(yes bool) { p.Sandbox = yes }),
		wire.OnOff("compare_order", &p.CompareOrder),
		wire.OnOff("reversible", &p.Reversible),
	)...)
}

// Provision resolves secrets and addresses. It makes no call.
func (p *Provider) Provision(ctx caddy.Context) error {
	d := wire.Document{Type: protocolName, Protocol: protocolName, API: defaultAPI, Credential: "token", Written: p.Token, Sandbox: p.Sandbox}
	return p.Open(ctx, d, func() error {
		if err := cmp.Or(wire.OneOf("compare_order", p.CompareOrder, wire.On, wire.Off), wire.OneOf("reversible", p.Reversible, wire.On, wire.Off)); err != nil {
			return err
		}
		pages, err := p.PagesAt(defaultAPI, otherHosts, "/v3/pay/start/*", "/v2/pay/gotoipg/*", "/v1/pay/gotoipg/*")
		p.SetPages(pages, wire.Checked(checkCode))
		return err
	})
}

// MarshalLogObject shows what logs may show.
func (p *Provider) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("compare_order", p.CompareOrder)
	p.LogFields(enc)
	return nil
}

// Interface guards
var (
	_ wire.Module      = (*Provider)(nil)
	_ payment.Creator  = (*Provider)(nil)
	_ payment.Inquirer = (*Provider)(nil)
	_ payment.Reverser = (*Provider)(nil)
	_ payment.Relayer  = (*Provider)(nil)
	_ payment.PayPager = (*Provider)(nil)
)
