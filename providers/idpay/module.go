package idpay

import (
	"fmt"
	"regexp"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap/zapcore"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

func init() { caddy.RegisterModule(&Provider{}) }

// The addresses in IDPay's document.
const (
	defaultAPI  = "https://api.idpay.ir"
	defaultPage = "https://idpay.ir"
)

// keyForm is what the document's keys look like. Another one is only warned about:
// the document doesn't say that there is no other.
var keyForm = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// Provider is IDPay, protocol v1.1. It verifies payments with
// `/v1.1/payment/verify`, asks about them with `/v1.1/payment/inquiry` and
// starts them with `/v1.1/payment`. Its answers name the order and the amount,
// tell the first verification from a repeated one, and carry the time of both;
// money that is not verified within ten minutes goes back to the payer.
type Provider struct {
	wire.ProviderConfig

	// The web service's key, sent as `X-API-KEY`. Write `{env.NAME}` or
	// `{file./path}`. Required.
	APIKey string `json:"api_key,omitempty"`

	// Simulate payments: `X-SANDBOX: 1` is sent, no money moves, and what is
	// delivered to the shop is marked `sandbox`. Default: false.
	Sandbox bool `json:"sandbox,omitempty"`

	key    wire.Secret
	api    wire.Base
	page   wire.Page
	client *wire.Client
	traits payment.Traits
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
func (p *Provider) Provision(ctx caddy.Context) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("idpay: %w", err)
		}
	}()
	if p.key, err = wire.Required(ctx, "api_key", p.APIKey); err != nil {
		return err
	}
	if !keyForm.MatchString(p.key.Reveal()) {
		ctx.Logger().Warn("api_key is not of the form of IDPay's keys, which are UUIDs such as 6a7f99eb-7c20-4412-a972-6dfb7cd253a4: payments will be refused if it isn't one")
	}
	if p.api, err = p.Base(defaultAPI); err != nil {
		return err
	}
	pay, err := p.PayBase(defaultPage)
	if err != nil {
		return err
	}
	p.page = wire.NewPage(pay, "/p/ws/")
	if p.Sandbox {
		p.page = wire.NewPage(pay, "/p/ws-sandbox/")
	}
	if p.client, err = p.Client(); err != nil {
		return err
	}
	p.traits = traits(p.key, p.api, p.Sandbox)
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
	enc.AddString("type", "idpay")
	enc.AddString("base_url", p.api.LogString())
	enc.AddBool("sandbox", p.Sandbox)
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
