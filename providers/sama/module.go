package sama

import (
	"cmp"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap/zapcore"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

func init() { caddy.RegisterModule(&Provider{}) }

const (
	// defaultAPI is the address in Sama's document.
	defaultAPI = "https://app.sama.ir"
	// mark stands for the authority in pay_url.
	mark = "{authority}"
	// startPay is where the pay page is assumed to be. Unconfirmed.
	startPay = "/pg/StartPay/"
)

// Provider is Sama, payment API v2. It verifies payments with
// `/api/pg/v2/payment/verify.json/`, which is told the amount, and whose answer
// names neither order nor amount. So an order must be bound to the payment by
// an intent or by the shop's lookup.
//
// Sama's public document stops short of the answer to create, of the pay page's
// address and of the parameters of the return. What this module does there is
// inferred from the rest of the protocol and not confirmed: it takes
// `data.authority` from the answer; the pay page's address from
// `data.payment_url`, `data.url` or `data.link` if there is one, else from
// `pay_url`; and `Authority` or `authority` from the return.
type Provider struct {
	wire.ProviderConfig
	wire.PayPages

	// The shop's token, sent as `merchant_id`. Write `{env.NAME}` or
	// `{file./path}`. Required.
	MerchantID string `json:"merchant_id,omitempty"`

	// Whether payments may be started here: `on` or `off`. Write `off` to be
	// sure that no inferred call is ever made. Default: `on`.
	Creates string `json:"create,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Provider) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "payments.providers.sama", New: func() caddy.Module { return new(Provider) }}
}

// UnmarshalCaddyfile sets up the provider from Caddyfile tokens. Syntax:
//
//	sama [<name>] {
//		merchant_id   <token>
//		create        [on|off]
//		pay_url       <url with {authority}>
//		base_url      <url>
//		timeout       <duration>
//		proxy_url     <url>
//		insecure_http [on|off]
//	}
func (p *Provider) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return wire.ParseBlock(d, append(p.Config.Options(defaultAPI),
		wire.Credential("merchant_id", &p.MerchantID),
		// Not the pay_url of all others: the authority has a place in it.
		wire.String("pay_url", &p.PayURL).Checked(&p.PayURL, func() error {
			_, err := p.payPage()
			return err
		}, mark),
		wire.OnOff("create", &p.Creates),
	)...)
}

// Provision resolves secrets and addresses. It makes no call.
func (p *Provider) Provision(ctx caddy.Context) error {
	d := wire.Document{Type: protocol.Name, Protocol: protocol.Name, API: defaultAPI, Credential: "merchant_id", Written: p.MerchantID}
	return p.Open(ctx, d, func() error {
		page, err := p.payPage()
		p.SetPages(wire.Pages{page}, wire.UUID)
		return cmp.Or(wire.OneOf("create", p.Creates, wire.On, wire.Off), err)
	})
}

// payPage returns where pay_url says, else where the page is assumed to be.
func (p *Provider) payPage() (wire.Page, error) {
	if p.PayURL == "" {
		return wire.NewPage(p.API(), startPay), nil
	}
	return wire.ParsePage("pay_url", wire.Expand(p.PayURL), mark, startPay, p.InsecureHTTP)
}

// CanCreate implements [payment.Creator].
func (p *Provider) CanCreate() bool { return p.Creates != wire.Off }

// MarshalLogObject shows what logs may show.
func (p *Provider) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddBool("create", p.CanCreate())
	p.LogFields(enc)
	return nil
}

// Title implements [payment.Titled].
func (*Provider) Title() (english, persian string) { return "Sama", "سما" }

// Interface guards
var (
	_ wire.Module      = (*Provider)(nil)
	_ payment.Creator  = (*Provider)(nil)
	_ payment.Relayer  = (*Provider)(nil)
	_ payment.PayPager = (*Provider)(nil)
)
