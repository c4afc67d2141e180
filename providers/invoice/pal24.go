package invoice

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap/zapcore"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

func init() { caddy.RegisterModule(&Pal24{}) }

// defaultPal24 is 24pal's host by https. The gateway's document prints plain
// http, which would send the key in clear; that the host answers by https is
// not confirmed. `base_url http://24pal.ir` with `insecure_http` goes by the
// letter of the document.
const defaultPal24 = "https://24pal.ir"

// Pal24 is 24pal (24pal.ir), a host of the invoice script; see the module
// `invoice` for what the script can and can't do. Both share one issuer for one
// account, so that a receipt can't be spent twice under two names.
type Pal24 struct {
	Account
}

// CaddyModule returns the Caddy module information.
func (*Pal24) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "payments.providers.24pal", New: func() caddy.Module { return new(Pal24) }}
}

// UnmarshalCaddyfile sets up the provider from Caddyfile tokens. Syntax:
//
//	24pal [<name>] {
//		api_key       <key>
//		used_ids      imported|none
//		base_url      <url>
//		pay_url       <url>
//		timeout       <duration>
//		proxy_url     <url>
//		insecure_http [on|off]
//	}
func (p *Pal24) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return wire.ParseBlock(d, p.options(defaultPal24)...)
}

// Provision resolves secrets and addresses. It makes no call.
func (p *Pal24) Provision(ctx caddy.Context) error {
	return p.provision(ctx, "24pal", defaultPal24, "")
}

// MarshalLogObject shows what logs may show.
func (p *Pal24) MarshalLogObject(enc zapcore.ObjectEncoder) error { return p.log(enc, "") }

// Title implements [payment.Titled].
func (*Pal24) Title() (english, persian string) { return "24pal", "۲۴پال" }

// Interface guards
var (
	_ wire.Module     = (*Pal24)(nil)
	_ payment.Creator = (*Pal24)(nil)
	_ payment.UsedIDs = (*Pal24)(nil)
	_ payment.Relayer = (*Pal24)(nil)
)
