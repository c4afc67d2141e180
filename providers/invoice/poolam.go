package invoice

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap/zapcore"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

func init() { caddy.RegisterModule(&Poolam{}) }

// defaultPoolam is the host in Poolam's document.
const defaultPoolam = "https://poolam.ir"

// Poolam is Poolam (poolam.ir), a host of the invoice script; see the module
// `invoice` for what the script can and can't do. Both share one issuer for one
// account, so that a receipt can't be spent twice under two names.
type Poolam struct {
	Account

	// Who bears Poolam's fee: `merchant`, so that the answered amount must be the
	// price, or `payer`, so that it may be the price plus the fee that Poolam
	// publishes (1 % below 5,000 toman, 500 toman to a million, 200 more for each
	// further million). Default: `merchant`.
	Fee string `json:"fee,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Poolam) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "payments.providers.poolam", New: func() caddy.Module { return new(Poolam) }}
}

// UnmarshalCaddyfile sets up the provider from Caddyfile tokens. Syntax:
//
//	poolam [<name>] {
//		api_key       <key>
//		used_ids      imported|none
//		fee           merchant|payer
//		base_url      <url>
//		pay_url       <url>
//		timeout       <duration>
//		proxy_url     <url>
//		insecure_http [on|off]
//	}
func (p *Poolam) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return wire.ParseBlock(d, p.options(defaultPoolam, wire.Word("fee", &p.Fee, feeMerchant, feePayer))...)
}

// Provision resolves secrets and addresses. It makes no call.
func (p *Poolam) Provision(ctx caddy.Context) error {
	return p.provision(ctx, "poolam", defaultPoolam, p.Fee)
}

// MarshalLogObject shows what logs may show.
func (p *Poolam) MarshalLogObject(enc zapcore.ObjectEncoder) error { return p.log(enc, p.Fee) }

// Title implements [payment.Titled].
func (*Poolam) Title() (english, persian string) { return "Poolam", "پولام" }

// Interface guards
var (
	_ wire.Module     = (*Poolam)(nil)
	_ payment.Creator = (*Poolam)(nil)
	_ payment.UsedIDs = (*Poolam)(nil)
	_ payment.Relayer = (*Poolam)(nil)
)
