package toy

import (
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

func init() { caddy.RegisterModule(&Provider{}) }

const (
	defaultAPI  = "https://api.toy.example"
	defaultPage = "https://pay.toy.example"
)

// protocol is the toy's document. Confirm answers a repeated call like the first.
var protocol = payment.Protocol{
	Name:          "toy",
	AnswersAmount: true, GivesBack: true, ProvesInReturn: true, PostsReturn: true, NumbersOrders: true,
	Window: 20 * time.Minute,
	Min:    10_000, Max: 2_000_000_000, Step: payment.Rials(payment.Toman),
	Params: []string{paramRef, paramNumber, paramStatus, paramReceipt},
	Marks:  []string{paramRef, paramNumber, paramStatus},
}

// Provider is a terminal at the toy gateway.
type Provider struct {
	wire.ProviderConfig

	// The terminal's secret. Required.
	Terminal string `json:"terminal,omitempty"`

	// How receipts from before this ledger are known: `imported` or `none`.
	Used string `json:"used_ids,omitempty"`

	page wire.Base
}

// CaddyModule returns the Caddy module information.
func (*Provider) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "payments.providers.toy", New: func() caddy.Module { return new(Provider) }}
}

// UnmarshalCaddyfile sets up the provider from Caddyfile tokens.
func (p *Provider) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return wire.ParseBlock(d, append(p.Options(defaultAPI, defaultPage),
		wire.Credential("terminal", &p.Terminal),
		wire.Word("used_ids", &p.Used, payment.UsedIDsImported, payment.UsedIDsNone),
	)...)
}

// Provision resolves secrets and addresses. It makes no call.
func (p *Provider) Provision(ctx caddy.Context) error {
	d := wire.Document{Type: protocol.Name, Protocol: protocol.Name, API: defaultAPI, Credential: "terminal", Written: p.Terminal}
	return p.Open(ctx, d, func() (err error) {
		p.page, err = p.PayBase(defaultPage)
		return err
	})
}

// Protocol implements [payment.Provider].
func (*Provider) Protocol() payment.Protocol { return protocol }

// Title implements [payment.Titled].
func (*Provider) Title() (english, persian string) { return "Toy", "بازی" }

// Offer implements [payment.Offered].
func (*Provider) Offer() payment.Offer { return payment.Offer{} }

// UsedIDs implements [payment.UsedIDs].
func (p *Provider) UsedIDs() string { return p.Used }

// AsksReferrer implements [payment.Referred]. The pay page looks at the Referer.
func (*Provider) AsksReferrer() {}

// Interface guards
var (
	_ wire.Module        = (*Provider)(nil)
	_ payment.Creator    = (*Provider)(nil)
	_ payment.Inquirer   = (*Provider)(nil)
	_ payment.Detailer   = (*Provider)(nil)
	_ payment.IDReader   = (*Provider)(nil)
	_ payment.Lister     = (*Provider)(nil)
	_ payment.Bookkeeper = (*Provider)(nil)
	_ payment.Timed      = (*Provider)(nil)
	_ payment.Relocated  = (*Provider)(nil)
	_ payment.UsedIDs    = (*Provider)(nil)
	_ payment.Offered    = (*Provider)(nil)
	_ payment.Titled     = (*Provider)(nil)
	_ payment.Patient    = (*Provider)(nil)
	_ payment.Referred   = (*Provider)(nil)
)
