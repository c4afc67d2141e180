package invoice

import (
	"fmt"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

const (
	usedImported = "imported"
	usedNone     = "none"

	feeMerchant = "merchant"
	feePayer    = "payer"
)

// Account is what every host of the script asks for.
type Account struct {
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
// "none", or "" where the configuration does not say.
func (a *Account) UsedIDs() string { return a.Used }

func (a *Account) accountOptions() []wire.Option {
	return []wire.Option{
		wire.Credential("api_key", &a.APIKey),
		wire.Word("used_ids", &a.Used, usedImported, usedNone),
	}
}

// script is the protocol itself, the same for every host.
type script struct {
	key    wire.Secret
	api    wire.Base
	page   wire.Page
	client *wire.Client
	traits payment.Traits
}

func (s *script) provision(ctx caddy.Context, c *wire.ProviderConfig, a *Account, fallback string, payerFee bool) (err error) {
	if err = wire.OneOf("used_ids", a.Used, usedImported, usedNone); err != nil {
		return err
	}
	if s.key, err = wire.Required(ctx, "api_key", a.APIKey); err != nil {
		return err
	}
	if s.api, err = c.Base(fallback); err != nil {
		return err
	}
	pay, err := c.PayBase(fallback)
	if err != nil {
		return err
	}
	s.page = wire.NewPage(pay, "/invoice/pay/")
	if s.client, err = c.Client(); err != nil {
		return err
	}
	s.traits = traits(s.key, s.api, fallback, payerFee)
	return nil
}

// Cleanup closes idle connections.
func (s *script) Cleanup() error {
	if s.client != nil {
		s.client.Close()
	}
	return nil
}

func named(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}
