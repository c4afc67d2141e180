package payping

import (
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap/zapcore"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

func init() { caddy.RegisterModule(&Provider{}) }

// defaultAPI is the address in PayPing's document, for the API and the pay page.
const defaultAPI = "https://api.payping.ir"

const (
	on  = "on"
	off = "off"
)

// Provider is PayPing, API v3. It starts payments with `/v3/pay`, verifies them with
// `/v3/pay/verify` and asks about them with `/v1/report/{code}`.
//
// Verify must be told the bank's number (`paymentRefId`), which only the customer's
// return brings: a payment whose customer doesn't come back can't be verified here.
// An order must be bound to the payment by an intent, by the shop's lookup or by the
// shop's signature.
type Provider struct {
	wire.ProviderConfig

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

	token  wire.Secret
	api    wire.Base
	pages  pages
	client *wire.Client
	traits payment.Traits
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
		wire.Switch("compare_order", func(yes bool) {
			if p.CompareOrder = off; yes {
				p.CompareOrder = on
			}
		}),
	)...)
}

// Provision resolves secrets and addresses. It makes no call.
func (p *Provider) Provision(ctx caddy.Context) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("payping: %w", err)
		}
	}()
	if err = wire.OneOf("compare_order", p.CompareOrder, on, off); err != nil {
		return err
	}
	if p.token, err = wire.Required(ctx, "token", p.Token); err != nil {
		return err
	}
	if p.api, err = p.Base(defaultAPI); err != nil {
		return err
	}
	pay, err := p.PayBase(defaultAPI)
	if err != nil {
		return err
	}
	if p.pages, err = newPages(pay, p.PayURL == "" && p.BaseURL == ""); err != nil {
		return err
	}
	if p.client, err = p.Client(); err != nil {
		return err
	}
	p.traits = traits(p.token, p.api, p.Sandbox)
	return nil
}

// Cleanup closes idle connections.
func (p *Provider) Cleanup() error {
	if p.client != nil {
		p.client.Close()
	}
	return nil
}

// MarshalLogObject shows what logs may show.
func (p *Provider) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("type", protocolName)
	enc.AddString("base_url", p.api.LogString())
	enc.AddBool("sandbox", p.Sandbox)
	enc.AddString("compare_order", p.CompareOrder)
	p.LogFields(enc)
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner       = (*Provider)(nil)
	_ caddy.CleanerUpper      = (*Provider)(nil)
	_ caddyfile.Unmarshaler   = (*Provider)(nil)
	_ zapcore.ObjectMarshaler = (*Provider)(nil)
	_ payment.Provider        = (*Provider)(nil)
	_ payment.Creator         = (*Provider)(nil)
	_ payment.Inquirer        = (*Provider)(nil)
	_ payment.Timed           = (*Provider)(nil)
)
