package zarinpal

import (
	"errors"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap/zapcore"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

func init() { caddy.RegisterModule(&Provider{}) }

// The addresses in Zarinpal's documents.
const (
	liveHost    = "https://payment.zarinpal.com"
	sandboxHost = "https://sandbox.zarinpal.com"
	// owned is whose hosts all of them are.
	owned = "zarinpal.com"
	// mark stands for the authority in pay_url.
	mark = "{authority}"
	// startPay is the pay page's path.
	startPay = "/pg/StartPay/"
)

// liveHosts are all hosts on which pay pages were seen, oldest last.
var liveHosts = []string{liveHost, "https://www.zarinpal.com", "https://zarinpal.com"}

// Provider is Zarinpal, payment gateway v4. It verifies payments with
// `/pg/v4/payment/verify.json`, asks about them with `inquiry.json`, lists those
// that are paid and unverified with `unVerified.json`, and starts them with
// `request.json`. Verify is told the amount and refuses another one; its answer
// names neither order nor amount. So an order must be bound to the payment by an
// intent, by the shop's lookup or by its signature.
type Provider struct {
	wire.ProviderConfig
	wire.PayPages

	// The gateway's merchant id, 36 characters. Write `{env.NAME}` or
	// `{file./path}`. Required.
	MerchantID string `json:"merchant_id,omitempty"`

	// Use Zarinpal's sandbox, `sandbox.zarinpal.com`: no money moves, and what is
	// delivered to the shop is marked `sandbox`. Default: false.
	Sandbox bool `json:"sandbox,omitempty"`

	// What the API is told amounts in: `rial` or `toman`. It must be what your shop
	// creates its payments in (`currency` `IRR` or `IRT`), because verify must
	// be told the same number. Default: `rial`.
	Unit string `json:"unit,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Provider) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "payments.providers.zarinpal", New: func() caddy.Module { return new(Provider) }}
}

// UnmarshalCaddyfile sets up the provider from Caddyfile tokens. Syntax:
//
//	zarinpal [<name>] {
//		merchant_id   <id>
//		sandbox       [on|off]
//		unit          rial|toman
//		base_url      <url>
//		pay_url       <url with {authority}>
//		timeout       <duration>
//		proxy_url     <url>
//		insecure_http [on|off]
//	}
func (p *Provider) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	options := p.Config.Options(liveHost)
	for i, o := range options {
		if o.Name == "base_url" {
			options[i] = o.Checked(&p.BaseURL, func() error {
				b, err := p.Base(p.documented())
				if err == nil {
					err = p.agrees(b)
				}
				return err
			})
		}
	}
	return wire.ParseBlock(d, append(options,
		wire.Credential("merchant_id", &p.MerchantID),
		wire.Switch("sandbox", func(on bool) { p.Sandbox = on }),
		wire.Word("unit", &p.Unit, unitRial, unitToman),
		wire.String("pay_url", &p.PayURL).Checked(&p.PayURL, func() error {
			_, err := p.payPage()
			return err
		}, mark),
	)...)
}

// Provision resolves secrets and addresses. It makes no call.
func (p *Provider) Provision(ctx caddy.Context) error {
	d := wire.Document{Type: protocol.Name, Protocol: protocol.Name, API: p.documented(), Credential: "merchant_id", Written: p.MerchantID, Sandbox: p.Sandbox}
	return p.Open(ctx, d, func() error {
		if unlikely(p.Key().Reveal()) {
			ctx.Logger().Warn("merchant_id is not of the form of Zarinpal's merchant ids, which have 36 characters, such as 1344b5d4-0048-11e8-94db-005056a205be: payments will be refused if it isn't one")
		}
		if err := wire.OneOf("unit", p.Unit, unitRial, unitToman); err != nil {
			return err
		}
		if err := p.agrees(p.API()); err != nil {
			return err
		}
		pages, err := p.allPages()
		p.SetPages(pages, wire.Checked(checkAuthority))
		return err
	})
}

// unlikely reports whether a merchant id has another form than the document's. It is only
// warned about: the document promises 36 characters and says nothing of their form.
func unlikely(merchant string) bool {
	_, ok := wire.UUID(merchant)
	return !ok
}

// documented returns the host in Zarinpal's document for this configuration.
func (p *Provider) documented() string {
	if p.Sandbox {
		return sandboxHost
	}
	return liveHost
}

// agrees: a payment of Zarinpal's sandbox must never count as money, nor the
// reverse. So the host and `sandbox` must agree.
func (p *Provider) agrees(b wire.Base) error {
	switch host := b.Identity(); {
	case host == hostOf(sandboxHost) && !p.Sandbox:
		return errors.New("base_url is Zarinpal's sandbox, where no money moves: write `sandbox on`")
	case host != hostOf(sandboxHost) && owns(host) && p.Sandbox:
		return errors.New("base_url is Zarinpal's own, where money moves, and sandbox is on: leave one of them out")
	}
	return nil
}

// payPage returns where browsers are sent: pay_url, else the host of the API, except
// that api.zarinpal.com has no pay page.
func (p *Provider) payPage() (wire.Page, error) {
	if p.PayURL != "" {
		return wire.ParsePage("pay_url", wire.Expand(p.PayURL), mark, startPay, p.InsecureHTTP)
	}
	b, err := p.Base(p.documented())
	if err == nil && owns(b.Identity()) {
		b, err = wire.ParseBase("pay_url", p.documented(), false)
	}
	return wire.NewPage(b, startPay), err
}

// allPages returns the pages that a shop may send its customers to: the one above, and
// all that Zarinpal has had for this environment, each also with the suffix
// of its direct bank page. Those of the other environment are not ours: a sandbox payment
// must not become a live intent.
func (p *Provider) allPages() (wire.Pages, error) {
	page, err := p.payPage()
	if err != nil {
		return nil, err
	}
	hosts := liveHosts
	if p.Sandbox {
		hosts = []string{sandboxHost}
	}
	if p.PayURL == "" && p.Elsewhere() != "" {
		hosts = append([]string{p.API().LogString()}, hosts...)
	}
	pages, err := wire.PagesAt(hosts, startPay+"*", startPay+"*/ZarinGate")
	return append(wire.Pages{page}, pages...), err
}

func hostOf(address string) string { return strings.TrimPrefix(address, "https://") }

func owns(host string) bool { return host == owned || strings.HasSuffix(host, "."+owned) }

// MarshalLogObject shows what logs may show.
func (p *Provider) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddInt64("unit", int64(p.unit()))
	p.LogFields(enc)
	return nil
}

// Interface guards
var (
	_ wire.Module      = (*Provider)(nil)
	_ payment.Creator  = (*Provider)(nil)
	_ payment.Inquirer = (*Provider)(nil)
	_ payment.Lister   = (*Provider)(nil)
	_ payment.Reverser = (*Provider)(nil)
	_ payment.Relayer  = (*Provider)(nil)
	_ payment.PayPager = (*Provider)(nil)
	_ payment.Masker   = (*Provider)(nil)
)
