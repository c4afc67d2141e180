package toy

import (
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap/zapcore"

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
	AnswersAmount: true, GivesBack: true, ProvesInReturn: true, NumbersOrders: true,
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

	terminal wire.Secret
	api      wire.Base
	page     wire.Base
	client   *wire.Client
	traits   payment.Traits
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
func (p *Provider) Provision(ctx caddy.Context) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("toy: %w", err)
		}
	}()
	if p.terminal, err = wire.Required(ctx, "terminal", p.Terminal); err != nil {
		return err
	}
	if p.api, err = p.Base(defaultAPI); err != nil {
		return err
	}
	if p.page, err = p.PayBase(defaultPage); err != nil {
		return err
	}
	if p.client, err = p.Client(); err != nil {
		return err
	}
	p.traits = wire.Identify(payment.Traits{Environment: payment.Live}, protocol.Name, p.terminal, p.api, defaultAPI)
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
	enc.AddString("type", protocol.Name)
	enc.AddString("base_url", p.api.LogString())
	p.LogFields(enc)
	return nil
}

// Protocol implements [payment.Provider].
func (*Provider) Protocol() payment.Protocol { return protocol }

// Traits implements [payment.Provider].
func (p *Provider) Traits() payment.Traits { return p.traits }

// UsedIDs implements [payment.UsedIDs].
func (p *Provider) UsedIDs() string { return p.Used }

// Interface guards
var (
	_ caddy.Provisioner       = (*Provider)(nil)
	_ caddy.CleanerUpper      = (*Provider)(nil)
	_ caddyfile.Unmarshaler   = (*Provider)(nil)
	_ zapcore.ObjectMarshaler = (*Provider)(nil)
	_ payment.Provider        = (*Provider)(nil)
	_ payment.Creator         = (*Provider)(nil)
	_ payment.Inquirer        = (*Provider)(nil)
	_ payment.Lister          = (*Provider)(nil)
	_ payment.Timed           = (*Provider)(nil)
	_ payment.UsedIDs         = (*Provider)(nil)
	_ payment.Relocated       = (*Provider)(nil)
)
