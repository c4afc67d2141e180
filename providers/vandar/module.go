package vandar

import (
	"errors"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap/zapcore"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

func init() { caddy.RegisterModule(&Provider{}) }

// defaultAPI is the address in Vandar's document, for the API and the pay page.
const defaultAPI = "https://ipg.vandar.io"

// The words of the option `fee`.
const (
	feeMerchant = "merchant"
	feePayer    = "payer"
)

// Provider is Vandar, payment gateway v4. It starts payments with `/api/v4/send`,
// asks about them with `/api/v4/transaction` and verifies them with
// `/api/v4/verify`, within 20 minutes. The answer names the amount and not always the
// order. So an order must be bound to the payment by an intent, by the shop's lookup
// or by its signature.
type Provider struct {
	wire.ProviderConfig
	wire.PayPages

	// The gateway's key, sent as `api_key`. Write `{env.NAME}` or `{file./path}`.
	// Required.
	APIKey string `json:"api_key,omitempty"`

	// Who bears Vandar's fee, as it is set in Vandar's panel: `merchant`, so that the
	// answered amount must be the price, or `payer`, so that it must be the price and
	// the fee that the answer names. Default: `merchant`.
	Fee string `json:"fee,omitempty"`

	// The business's English name in Vandar's panel, and an access token of its
	// settings, which Vandar lets live for five days: with both, payments can be
	// refunded. Write the token `{env.NAME}` or `{file./path}`. Default: none.
	Business    string `json:"business,omitempty"`
	AccessToken string `json:"access_token,omitempty"`

	business wire.Base
	access   wire.Secret
}

// CaddyModule returns the Caddy module information.
func (*Provider) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "payments.providers.vandar", New: func() caddy.Module { return new(Provider) }}
}

// UnmarshalCaddyfile sets up the provider from Caddyfile tokens. Syntax:
//
//	vandar [<name>] {
//		api_key       <key>
//		fee           merchant|payer
//		business      <name>
//		access_token  <token>
//		base_url      <url>
//		pay_url       <url>
//		timeout       <duration>
//		proxy_url     <url>
//		insecure_http [on|off]
//	}
func (p *Provider) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return wire.ParseBlock(d, append(p.Options(defaultAPI, defaultAPI),
		wire.Credential("api_key", &p.APIKey),
		wire.Word("fee", &p.Fee, feeMerchant, feePayer),
		wire.String("business", &p.Business),
		wire.String("access_token", &p.AccessToken),
	)...)
}

// Provision resolves secrets and addresses. It makes no call.
func (p *Provider) Provision(ctx caddy.Context) error {
	d := wire.Document{Type: protocol.Name, Protocol: protocol.Name, API: defaultAPI, Credential: "api_key", Written: p.APIKey}
	return p.Open(ctx, d, func() error {
		if err := wire.OneOf("fee", p.Fee, feeMerchant, feePayer); err != nil {
			return err
		}
		// The first is documented, the others are of older plugins.
		pages, err := p.PagesAt(defaultAPI, nil, "/v4/*", "/v3/*", "/web/v4/*")
		if err != nil {
			return err
		}
		p.SetPages(pages, wire.Checked(checkToken))
		return p.openRefunds(ctx)
	})
}

// openRefunds makes refunds possible where the configuration has what they need.
func (p *Provider) openRefunds(ctx caddy.Context) (err error) {
	if p.Business == "" && p.AccessToken == "" {
		return nil
	}
	if p.Business == "" || !wire.CheckID(p.Business, 1, 64, ".") {
		return errors.New("business must be the business's English name in Vandar's panel, letters, digits, '-', '_' and '.': refunds need it and access_token")
	}
	if p.access, err = wire.Required(ctx, "access_token", p.AccessToken); err != nil {
		return err
	}
	p.business, err = p.Beside(businessAPI)
	return err
}

// MarshalLogObject shows what logs may show.
func (p *Provider) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("fee", p.Fee)
	p.LogFields(enc)
	return nil
}

// Interface guards
var (
	_ wire.Module      = (*Provider)(nil)
	_ payment.Creator  = (*Provider)(nil)
	_ payment.Inquirer = (*Provider)(nil)
	_ payment.Refunder = (*Provider)(nil)
	_ payment.Relayer  = (*Provider)(nil)
	_ payment.PayPager = (*Provider)(nil)
)
