package hamekar

import (
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap/zapcore"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

func init() { caddy.RegisterModule(&Affiliate{}) }

// defaultAPI is the address in Hamekar's document.
const defaultAPI = "https://api.hamekar.ir"

// Affiliate is the network Hamekar (Linkap). Its links carry the visitor's `track_id`.
// Conversions are reported to `/customer/callback`, without amount and order. The network
// has no call for a refund.
type Affiliate struct {
	wire.Config

	// The store's token from its panel, sent as `x-store-token`. Write
	// `{env.NAME}` or `{file./path}`. Required.
	StoreToken string `json:"store_token,omitempty"`

	token  wire.Secret
	api    wire.Base
	client *wire.Client
}

// CaddyModule returns the Caddy module information.
func (*Affiliate) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "payments.affiliates.hamekar", New: func() caddy.Module { return new(Affiliate) }}
}

// UnmarshalCaddyfile sets up the network from Caddyfile tokens. Syntax:
//
//	hamekar [<name>] {
//		store_token   <token>
//		base_url      <url>
//		timeout       <duration>
//		proxy_url     <url>
//		insecure_http [on|off]
//	}
func (a *Affiliate) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return wire.ParseBlock(d, append(a.Options(defaultAPI), wire.Credential("store_token", &a.StoreToken))...)
}

// Provision resolves secrets and addresses. It makes no call.
func (a *Affiliate) Provision(ctx caddy.Context) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("hamekar: %w", err)
		}
	}()
	if a.token, err = wire.Required(ctx, "store_token", a.StoreToken); err != nil {
		return err
	}
	if a.api, err = a.Base(defaultAPI); err != nil {
		return err
	}
	a.client, err = a.Client()
	return err
}

// Cleanup closes idle connections.
func (a *Affiliate) Cleanup() error {
	if a.client != nil {
		a.client.Close()
	}
	return nil
}

// MarshalLogObject shows what logs may show.
func (a *Affiliate) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("type", "hamekar")
	enc.AddString("base_url", a.api.LogString())
	a.LogFields(enc)
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner       = (*Affiliate)(nil)
	_ caddy.CleanerUpper      = (*Affiliate)(nil)
	_ caddyfile.Unmarshaler   = (*Affiliate)(nil)
	_ zapcore.ObjectMarshaler = (*Affiliate)(nil)
	_ payment.Reporter        = (*Affiliate)(nil)
	_ payment.Lander          = (*Affiliate)(nil)
)
