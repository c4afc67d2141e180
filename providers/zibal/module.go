package zibal

import (
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

func init() { caddy.RegisterModule(&Provider{}) }

// The addresses of Zibal. The second is for servers abroad; both have the API
// and the pay page.
const (
	defaultAPI = "https://gateway.zibal.ir"
	abroad     = "https://gateway.zibal.io"
)

// sandboxMerchant is the merchant that is Zibal's sandbox, on the same host.
const sandboxMerchant = "zibal"

// Provider is Zibal, payment gateway v1. It verifies payments with `/v1/verify`,
// asks about them with `/v1/inquiry` and starts them with `/v1/request`. The
// answer names the amount, and not always the order. What it says of a payment
// that was verified before has no details: then inquiry is asked for them.
type Provider struct {
	wire.ProviderConfig
	wire.PayPages

	// The gateway's merchant. Write `{env.NAME}` or `{file./path}`. Required, unless
	// `sandbox` is on.
	Merchant string `json:"merchant,omitempty"`

	// Use Zibal's sandbox, which is the merchant `zibal`: no money moves, and what
	// is delivered to the shop is marked `sandbox`. Default: false.
	Sandbox bool `json:"sandbox,omitempty"`

	// The access token of Zibal's platform, and the account that refunds are taken
	// from: with the token, payments can be refunded. Write it `{env.NAME}` or
	// `{file./path}`. Default: none; the account that Zibal chooses.
	AccessToken string `json:"access_token,omitempty"`
	Account     string `json:"account_id,omitempty"`

	platform wire.Base
	access   wire.Secret
}

// CaddyModule returns the Caddy module information.
func (*Provider) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "payments.providers.zibal", New: func() caddy.Module { return new(Provider) }}
}

// UnmarshalCaddyfile sets up the provider from Caddyfile tokens. Syntax:
//
//	zibal [<name>] {
//		merchant      <merchant>
//		sandbox       [on|off]
//		access_token  <token>
//		account_id    <id>
//		base_url      <url>
//		pay_url       <url>
//		timeout       <duration>
//		proxy_url     <url>
//		insecure_http [on|off]
//	}
func (p *Provider) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return wire.ParseBlock(d, append(p.Options(defaultAPI, defaultAPI),
		wire.String("merchant", &p.Merchant).Checked(&p.Merchant, func() error {
			if p.Sandbox && p.Merchant == "" {
				return nil
			}
			s, _, err := wire.ResolveSecret("merchant", p.Merchant)
			if err != nil {
				return err
			}
			return p.agrees(s)
		}),
		wire.Switch("sandbox", func(on bool) { p.Sandbox = on }),
		wire.String("access_token", &p.AccessToken),
		wire.String("account_id", &p.Account),
	)...)
}

// agrees: a payment of Zibal's sandbox must never count as money.
func (p *Provider) agrees(merchant wire.Secret) error {
	if !p.Sandbox && merchant.Reveal() == sandboxMerchant {
		return fmt.Errorf("merchant %w: zibal is the merchant of the sandbox, where no money moves: write `sandbox on`", wire.ErrSecret)
	}
	return nil
}

// Provision resolves secrets and addresses. It makes no call.
func (p *Provider) Provision(ctx caddy.Context) error {
	d := wire.Document{Type: protocol.Name, Protocol: protocol.Name, API: defaultAPI, Credential: "merchant", Written: p.Merchant, Sandbox: p.Sandbox}
	if p.Sandbox {
		d.Credential, d.Key = "", wire.NewSecret(sandboxMerchant)
	}
	return p.Open(ctx, d, func() error { return p.agrees(p.Key()) }, p.setPages, func() error { return p.openRefunds(ctx) })
}

// openRefunds makes refunds possible where the configuration has a token for them.
func (p *Provider) openRefunds(ctx caddy.Context) (err error) {
	if p.AccessToken == "" {
		if p.Account != "" {
			return errors.New("account_id is for refunds, which need access_token, too")
		}
		return nil
	}
	if p.access, err = wire.Required(ctx, "access_token", p.AccessToken); err != nil {
		return err
	}
	p.platform, err = p.Beside(platformAPI)
	return err
}

// setPages sets where browsers are sent, and the pages that a shop may send its
// customers to: that one and both of Zibal's, each also as the direct one.
func (p *Provider) setPages() error {
	own, err := p.PayBase(defaultAPI)
	if err != nil {
		return err
	}
	// Live and sandbox payments have the same pages: which one a payment is, its merchant says.
	pages, err := wire.PagesAt([]string{own.LogString(), defaultAPI, abroad}, "/start/*", "/start/*/direct")
	p.SetPages(pages, wire.Checked(checkTrackID))
	return err
}

// Interface guards
var (
	_ wire.Module        = (*Provider)(nil)
	_ payment.Creator    = (*Provider)(nil)
	_ payment.Inquirer   = (*Provider)(nil)
	_ payment.Refunder   = (*Provider)(nil)
	_ payment.Bookkeeper = (*Provider)(nil)
	_ payment.Relayer    = (*Provider)(nil)
	_ payment.PayPager   = (*Provider)(nil)
)
