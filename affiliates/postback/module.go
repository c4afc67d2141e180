package postback

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/rahgir/caddy-payments/affiliates/message"
	"github.com/rahgir/caddy-payments/internal/quote"
	"github.com/rahgir/caddy-payments/internal/track"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

func init() {
	for _, p := range presets {
		caddy.RegisterModule(&Affiliate{preset: p})
	}
}

// Affiliate is a network that takes a URL, a form or JSON. It gets one request for each
// sale that was delivered. The configuration describes the request; what it leaves out
// comes from the preset that has the module's name.
type Affiliate struct {
	wire.Config

	// The values of the preset's own options, by name.
	Options map[string]string `json:"options,omitempty"`

	// The query parameter of the network's links, a regular expression for its ids, and
	// how long a visit counts. They are the defaults of `track`.
	Param   string         `json:"param,omitempty"`
	Pattern string         `json:"pattern,omitempty"`
	TTL     caddy.Duration `json:"ttl,omitempty"`

	// The request that reports a sale. It may use these placeholders: `{click}` (the visit's id),
	// `{order}`, `{payment}` (our reference), `{item}`, `{site}`, `{provider}`,
	// `{amount.rial}`, `{amount.toman}`, `{currency}`, `{time.unix}`, `{time.iso}`,
	// `{test}`, `{env.NAME}`, `{file./path}`. Each value is escaped for the place where it is used.
	ReportWith message.Request `json:"report,omitzero"`

	// Which answers mean that the network accepted the report. Default: every 2xx.
	Success Success `json:"success,omitzero"`

	// The statuses that mean that the network will never accept the report. Default: 400
	// and 422.
	Rejected []int `json:"rejected,omitempty"`
	// The statuses that mean that the key is wrong. Reports wait then until the
	// configuration changes. Default: 401.
	Unauthorized []int `json:"unauthorized,omitempty"`

	// Where the answer holds the network's own id of the report, as a JSON pointer.
	// It is `{remembered}` in `cancel`.
	Remember string `json:"remember,omitempty"`

	// The request that cancels a sale. It is made once, when the payment is reversed.
	CancelWith *message.Request `json:"cancel,omitempty"`

	preset         *preset
	landing        payment.Landing
	report, cancel *message.Call
	client         *wire.Client
}

// Success says which answers are a success.
type Success struct {
	// HTTP statuses. Default: every 2xx.
	Status []int `json:"status,omitempty"`
	// A JSON pointer, and the value that must be there: a JSON value, or a text without
	// quotes.
	Pointer string `json:"pointer,omitempty"`
	Value   string `json:"value,omitempty"`
}

// known is what is known of the network: nothing, unless the module has a name of its own.
func (a *Affiliate) known() *preset {
	if a.preset == nil {
		return presets["postback"]
	}
	return a.preset
}

// CaddyModule returns the Caddy module information.
func (a *Affiliate) CaddyModule() caddy.ModuleInfo {
	p := a.known()
	return caddy.ModuleInfo{ID: caddy.ModuleID("payments.affiliates." + p.name), New: func() caddy.Module { return &Affiliate{preset: p} }}
}

// Provision resolves secrets and addresses, and reads the templates. It makes no call.
func (a *Affiliate) Provision(ctx caddy.Context) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", a.known().name, err)
		}
	}()
	if err := a.parse(ctx.Logger()); err != nil {
		return err
	}
	a.client, err = a.Client()
	return err
}

// parse reads what does not need the network.
func (a *Affiliate) parse(log *zap.Logger) error {
	p := a.known()
	names, err := a.names(log)
	if err != nil {
		return err
	}
	a.landing = payment.Landing{Param: cmp.Or(a.Param, p.Param), Pattern: cmp.Or(a.Pattern, p.Pattern), TTL: time.Duration(cmp.Or(a.TTL, p.TTL))}
	if _, err := track.ParsePattern(a.landing.Pattern); err != nil {
		return err
	}
	base, err := a.base()
	if err != nil {
		return err
	}
	if a.report, err = a.request("report", merged(a.ReportWith, p.Report), base, names); err != nil {
		return err
	}
	cancel := p.Cancel
	if a.CancelWith != nil {
		cancel = a.CancelWith
	}
	if cancel != nil {
		if a.cancel, err = a.request("cancel", *cancel, base, names); err != nil {
			return err
		}
	}
	for field, pointer := range map[string]string{"remember": cmp.Or(a.Remember, p.Remember), "success json": a.Success.Pointer} {
		if pointer != "" && !strings.HasPrefix(pointer, "/") {
			return fmt.Errorf("%s is a JSON pointer such as /data/id", field)
		}
	}
	return nil
}

// base is base_url where it is written, and checked.
func (a *Affiliate) base() (string, error) {
	if a.BaseURL == "" {
		if a.known().BaseURL && a.ReportWith.URL == "" {
			return "", errors.New("base_url is missing: this network gives each customer an address; write the one of its panel")
		}
		return "", nil
	}
	b, err := a.Base("")
	if err != nil {
		return "", err
	}
	return b.URL(""), nil
}

func (a *Affiliate) request(field string, r message.Request, base string, names message.Names) (*message.Call, error) {
	if r.URL == "" {
		return nil, fmt.Errorf("%s is missing: write `%s GET https://network.example/postback?click={click}&order={order}`", field, field)
	}
	if len(a.known().Basic) == 2 && r.Header["Authorization"] == "" {
		r.Header = maps.Clone(r.Header)
		if r.Header == nil {
			r.Header = make(map[string]string)
		}
		r.Header["Authorization"] = "Basic {option.basic}"
	}
	return r.Parse(field, base, a.InsecureHTTP, names)
}

// merged returns a request of the configuration over the preset's.
func merged(own, known message.Request) message.Request {
	if own.URL != "" {
		known = message.Request{Header: known.Header}
	}
	header := make(map[string]string)
	maps.Copy(header, known.Header)
	maps.Copy(header, own.Header)
	return message.Request{
		Method: cmp.Or(own.Method, known.Method), URL: cmp.Or(own.URL, known.URL), Header: header,
		Kind: cmp.Or(own.Kind, known.Kind), Body: cmp.Or(own.Body, known.Body),
	}
}

// names returns the placeholders, those of the preset's options among them.
func (a *Affiliate) names(log *zap.Logger) (message.Names, error) {
	values := make(map[string]string)
	for _, o := range a.known().Options {
		raw := cmp.Or(a.Options[o.Name], o.Default)
		switch {
		case raw == "" && !o.Optional:
			return message.Names{}, fmt.Errorf("%s is missing", o.Name)
		case raw != "" && o.Secret:
			s, literal, err := wire.ResolveSecret(o.Name, raw)
			if err != nil {
				return message.Names{}, err
			}
			if literal && log != nil {
				log.Warn(o.Name+" is written out in the configuration, which Caddy shows on its admin endpoint and saves to disk; write {env.NAME} or {file./path} instead", zap.String("field", o.Name))
			}
			raw = s.Reveal()
		default:
			raw = wire.Expand(raw)
		}
		values["option."+o.Name] = raw
	}
	for name := range a.Options {
		if _, ok := a.known().option(name); !ok {
			return message.Names{}, fmt.Errorf("there is no %s", quote.Called("option", name))
		}
	}
	if b := a.known().Basic; len(b) == 2 {
		values["option.basic"] = base64.StdEncoding.EncodeToString([]byte(values["option."+b[0]] + ":" + values["option."+b[1]]))
	}
	n := message.SaleNames()
	n.Fixed = func(name string) (string, bool, error) {
		if v, ok := values[name]; ok {
			return v, true, nil
		}
		return message.Fixed(name)
	}
	return n, nil
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
	enc.AddString("type", string(a.CaddyModule().ID))
	a.LogFields(enc)
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner       = (*Affiliate)(nil)
	_ caddy.CleanerUpper      = (*Affiliate)(nil)
	_ zapcore.ObjectMarshaler = (*Affiliate)(nil)
)
