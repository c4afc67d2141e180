package invoice

import (
	"cmp"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap/zapcore"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

const (
	feeMerchant = "merchant"
	feePayer    = "payer"
)

// Account is what every host of the script asks for, and the protocol itself, which
// is the same for all.
type Account struct {
	wire.ProviderConfig
	wire.PayPages

	// The terminal's key, sent as `api_key`. Write `{env.NAME}` or
	// `{file./path}`. Required.
	APIKey string `json:"api_key,omitempty"`

	// How receipts from before this ledger began are known: `imported`, they
	// were imported once, or `none`, the terminal is new. The script answers
	// every check of an old receipt like the first one, so a signed expectation
	// needs one of them. Default: not said.
	Used string `json:"used_ids,omitempty"`
}

// UsedIDs returns how receipts from before this ledger are known: "imported",
// "none", or "" if the configuration does not say.
func (a *Account) UsedIDs() string { return a.Used }

// options are the lines of a host's block, with those of its own; fallback is its address.
func (a *Account) options(fallback string, own ...wire.Option) []wire.Option {
	return append(append(a.Options(fallback, fallback),
		wire.Credential("api_key", &a.APIKey),
		wire.Word("used_ids", &a.Used, payment.UsedIDsImported, payment.UsedIDsNone),
	), own...)
}

func (a *Account) provision(ctx caddy.Context, kind, fallback, fee string) error {
	d := wire.Document{Type: kind, Protocol: protocol.Name, API: fallback, Credential: "api_key", Written: a.APIKey}
	err := a.Open(ctx, d, func() error {
		if err := cmp.Or(wire.OneOf("used_ids", a.Used, payment.UsedIDsImported, payment.UsedIDsNone), wire.OneOf("fee", fee, feeMerchant, feePayer)); err != nil {
			return err
		}
		pages, err := a.PagesAt(fallback, nil, "/invoice/pay/*")
		a.SetPages(pages, wire.Checked(checkKey))
		return err
	})
	if fee == feePayer {
		a.BearFee(wage)
	}
	return err
}

// log shows what logs may show.
func (a *Account) log(enc zapcore.ObjectEncoder, fee string) error {
	enc.AddString("used_ids", a.Used)
	enc.AddString("fee", fee)
	a.LogFields(enc)
	return nil
}
