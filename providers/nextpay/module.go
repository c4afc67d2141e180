package nextpay

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
	// defaultAPI is NextPay's address, for the API and the pay page.
	defaultAPI = "https://nextpay.org"
	// otherPage is the same pay page as older plugins write it.
	otherPage = "https://www.nextpay.org"
)

// The words of the options.
const (
	unitToman = "toman"
	unitRial  = "rial"

	already49   = "49"
	alreadyBoth = "both"
	alreadyNone = "none"
)

// Provider is NextPay. It starts payments with `/nx/gateway/token`, which answers
// −1 for success, and verifies them with `/nx/gateway/verify`, which is told the
// amount and answers 0 for success.
//
// NextPay has no call that asks without settling, and nobody confirms how it answers
// a repeated verify, so that nothing is assumed of it: an order must be bound to the
// payment by an intent, by the shop's lookup, or by the shop's signature together
// with `used_ids`.
type Provider struct {
	wire.ProviderConfig
	wire.PayPages

	// The key of the gateway, sent as `api_key`. Write `{env.NAME}` or
	// `{file./path}`. Required.
	APIKey string `json:"api_key,omitempty"`

	// What amounts are counted in on the wire: `toman` or `rial`. It is said in
	// every call (`currency`). Default: `toman`.
	Unit string `json:"unit,omitempty"`

	// Whether the order that NextPay names must be the shop's: `on` or `off`. Write
	// `off` where the shop gives NextPay another number than it announces.
	// Default: `on`.
	CompareOrder string `json:"compare_order,omitempty"`

	// Which codes mean "verified before": `49` for −49, `both` for −49 and −25, or
	// `none`. It matters after an answer to verify was lost; what isn't taken for
	// "verified before" goes to a person. Default: `49`.
	Already string `json:"already,omitempty"`

	// How receipts from before this ledger began are known: `imported`, they
	// were imported once, or `none`, the account is new. A signed expectation needs
	// one of them. Default: not said.
	Used string `json:"used_ids,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Provider) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "payments.providers.nextpay", New: func() caddy.Module { return new(Provider) }}
}

// UnmarshalCaddyfile sets up the provider from Caddyfile tokens. Syntax:
//
//	nextpay [<name>] {
//		api_key       <key>
//		unit          toman|rial
//		compare_order [on|off]
//		already       49|both|none
//		used_ids      imported|none
//		base_url      <url>
//		pay_url       <url>
//		timeout       <duration>
//		proxy_url     <url>
//		insecure_http [on|off]
//	}
func (p *Provider) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return wire.ParseBlock(d, append(p.Options(defaultAPI, defaultAPI),
		wire.Credential("api_key", &p.APIKey),
		wire.Word("unit", &p.Unit, unitToman, unitRial),
		wire.OnOff("compare_order", &p.CompareOrder),
		wire.Word("already", &p.Already, already49, alreadyBoth, alreadyNone),
		wire.Word("used_ids", &p.Used, payment.UsedIDsImported, payment.UsedIDsNone),
	)...)
}

// Provision resolves secrets and addresses. It makes no call.
func (p *Provider) Provision(ctx caddy.Context) error {
	d := wire.Document{Type: protocolName, Protocol: protocolName, API: defaultAPI, Credential: "api_key", Written: p.APIKey}
	return p.Open(ctx, d, p.words, p.setPages)
}

// setPages sets where browsers are sent, and what older plugins write.
func (p *Provider) setPages() error {
	pages, err := p.PagesAt(defaultAPI, []string{otherPage}, "/nx/gateway/payment/*")
	p.SetPages(pages, wire.UUID)
	return err
}

func (p *Provider) words() error {
	return cmp.Or(
		wire.OneOf("unit", p.Unit, unitToman, unitRial),
		wire.OneOf("compare_order", p.CompareOrder, wire.On, wire.Off),
		wire.OneOf("already", p.Already, already49, alreadyBoth, alreadyNone),
		wire.OneOf("used_ids", p.Used, payment.UsedIDsImported, payment.UsedIDsNone),
	)
}

// UsedIDs implements [payment.UsedIDs].
func (p *Provider) UsedIDs() string { return p.Used }

// MarshalLogObject shows what logs may show.
func (p *Provider) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("unit", p.Unit)
	enc.AddString("compare_order", p.CompareOrder)
	enc.AddString("already", p.Already)
	enc.AddString("used_ids", p.Used)
	p.LogFields(enc)
	return nil
}

// Interface guards
var (
	_ wire.Module      = (*Provider)(nil)
	_ payment.Creator  = (*Provider)(nil)
	_ payment.UsedIDs  = (*Provider)(nil)
	_ payment.Refunder = (*Provider)(nil)
	_ payment.Relayer  = (*Provider)(nil)
	_ payment.PayPager = (*Provider)(nil)
)
