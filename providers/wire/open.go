package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap/zapcore"

	"github.com/rahgir/caddy-payments/payment"
)

// Module is what a provider's module must implement. A module that embeds [ProviderConfig]
// and calls [ProviderConfig.Open] has most of it.
type Module interface {
	caddy.Module
	caddy.Provisioner
	caddy.CleanerUpper
	caddyfile.Unmarshaler
	zapcore.ObjectMarshaler
	payment.Provider
	payment.Timed
	payment.Relocated
}

// Document is what [ProviderConfig.Open] needs to know about a gateway.
type Document struct {
	// Type is the module's type. Its errors and logs begin with it.
	Type string
	// Protocol is the protocol's name, the first part of the issuer.
	Protocol string
	// API is the address in the gateway's document; "" if it names none, so that
	// `base_url` is required.
	API string
	// Credential is the option with the account's secret, and Written its value in the
	// configuration. Without such an option, Key is the secret that the document gives to
	// everybody.
	Credential, Written string
	Key                 Secret
	// Sandbox: this block's payments move no money.
	Sandbox bool
}

// opened is a block that is ready for calls.
type opened struct {
	document Document
	key      Secret
	api      Base
	client   *Client
	traits   payment.Traits
}

// Open makes a block ready for calls; a provider's Provision calls it. It makes no call
// itself. own are the provider's own checks. They run when secret and address are resolved.
func (c *ProviderConfig) Open(ctx caddy.Context, d Document, own ...func() error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", d.Type, err)
		}
	}()
	c.opened = opened{document: d, key: d.Key}
	if d.Credential != "" {
		if c.key, err = Required(ctx, d.Credential, d.Written); err != nil {
			return err
		}
	}
	if c.api, err = c.Base(d.API); err != nil {
		return err
	}
	for _, f := range own {
		if err = f(); err != nil {
			return err
		}
	}
	if c.client, err = c.Client(); err != nil {
		return err
	}
	t := payment.Traits{Environment: payment.Live}
	if d.Sandbox {
		t.Environment = payment.Sandbox
	}
	c.traits = Identify(t, d.Protocol, c.key, c.api)
	return c.remember(ctx, d)
}

// remember adds the issuers of the keys that the account had before.
func (c *ProviderConfig) remember(ctx caddy.Context, d Document) error {
	if len(c.Formerly) > 0 && d.Credential == "" {
		return errors.New("formerly: this block has no key of its own, so it had none before: leave it out")
	}
	for _, written := range c.Formerly {
		old, err := Required(ctx, "formerly", written)
		if err != nil {
			return err
		}
		issuer := payment.Issuer(d.Protocol, old.AccountID(d.Protocol), c.traits.Environment)
		if c.traits.AnswersFor(issuer) {
			return fmt.Errorf("formerly: this is the present key, or written twice: write only keys that %s had before", d.Credential)
		}
		c.traits.Former = append(c.traits.Former, issuer)
	}
	return nil
}

// Identify fills in who gives out the receipts and who is called for them: the
// issuer, the account and the host. t has the environment; protocol is the
// protocol's name.
func Identify(t payment.Traits, protocol string, key Secret, api Base) payment.Traits {
	t.Account = key.AccountID(protocol)
	t.Issuer = payment.Issuer(protocol, t.Account, t.Environment)
	t.Host = protocol + "|" + api.Identity() + "|" + t.Environment
	return t
}

// Key returns the account's secret.
func (c *ProviderConfig) Key() Secret { return c.key }

// API returns the address of the API.
func (c *ProviderConfig) API() Base { return c.api }

// Traits implements [payment.Provider].
func (c *ProviderConfig) Traits() payment.Traits { return c.traits }

// BearFee says that the payer may bear a documented fee: see [payment.Traits].
func (c *ProviderConfig) BearFee(fee func(price payment.Rials) payment.Rials) {
	c.traits.PayerFee = fee
}

// Cleanup implements [caddy.CleanerUpper]: it closes idle connections.
func (c *ProviderConfig) Cleanup() error {
	if c.client != nil {
		c.client.Close()
	}
	return nil
}

// CanCreate is half of [payment.Creator], for a provider that has Create and can always start
// a payment.
func (*ProviderConfig) CanCreate() bool { return true }

// MarshalLogObject shows what logs may show, for a provider that has nothing to add.
func (c *ProviderConfig) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	c.LogFields(enc)
	return nil
}

// LogFields adds what logs may show of every provider's block.
func (c *ProviderConfig) LogFields(enc zapcore.ObjectEncoder) {
	enc.AddString("type", c.document.Type)
	enc.AddString("base_url", c.api.LogString())
	enc.AddBool("sandbox", c.document.Sandbox)
	c.Config.LogFields(enc)
}

// PostJSON makes a call with a JSON body and the given header fields, nil for none.
func (c *ProviderConfig) PostJSON(ctx context.Context, address string, body any, header map[string]string) Reply {
	b, err := json.Marshal(body)
	if err != nil {
		return Reply{Err: ErrRequest, Unsent: true}
	}
	return c.client.Do(ctx, Call{URL: address, Type: JSON, Body: b, Header: header})
}

// Field is one of a form's: its name and its value.
type Field [2]string

// PostForm makes a call with a form, whose fields are sent in the given order.
func (c *ProviderConfig) PostForm(ctx context.Context, address string, fields ...Field) Reply {
	var form strings.Builder
	for i, f := range fields {
		if i > 0 {
			form.WriteByte('&')
		}
		form.WriteString(f[0] + "=" + url.QueryEscape(f[1]))
	}
	return c.client.Do(ctx, Call{URL: address, Type: Form, Body: []byte(form.String())})
}

// Get makes a call that only reads.
func (c *ProviderConfig) Get(ctx context.Context, address string, header map[string]string) Reply {
	return c.client.Do(ctx, Call{Method: http.MethodGet, URL: address, Header: header})
}

// Unsent returns the answer to a question that can't be sent, such as one about an id that the
// gateway never gave out.
func Unsent() payment.Answer { return Reply{Err: ErrRequest, Unsent: true}.Answer() }

// Malformed returns the error about a return whose parameter can't be genuine.
func Malformed(name string) error { return fmt.Errorf("%w: %s", payment.ErrMalformed, name) }

// Refused returns the error about a create that the gateway answered with a code. owner says
// that the shop's owner can fix the cause.
func Refused(kind, code string, owner bool) error {
	if owner {
		return fmt.Errorf("%s: %w (code %s): %w", kind, payment.ErrRefused, code, payment.ErrOperator)
	}
	return fmt.Errorf("%s: %w (code %s)", kind, payment.ErrRefused, code)
}

// Cut shortens a text to a number of characters.
func Cut(s string, limit int) string {
	if r := []rune(s); len(r) > limit {
		return string(r[:limit])
	}
	return s
}
