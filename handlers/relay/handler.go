package relay

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/internal/quote"
)

func init() {
	caddy.RegisterModule(new(Handler))
	httpcaddyfile.RegisterHandlerDirective("payment_relay", parseCaddyfile)
	httpcaddyfile.RegisterDirectiveOrder("payment_relay", httpcaddyfile.Before, "respond")
}

// Handler serves a provider's own API to the shop's plugin. The plugin calls this address
// in place of the provider's, and nothing else in the shop changes. It answers every
// request that reaches it.
//
// Without a provider's name it serves `/<name>/…` for each configured provider. With one
// name, in a site whose addresses are the provider's hosts, it takes the provider's
// place.
type Handler struct {
	Options

	// Whether it takes the provider's place: the paths are the provider's own, and the
	// host tells live from sandbox. Default: true if one provider is named.
	InPlace *bool `json:"in_place,omitempty"`

	server *Server
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.payment_relay", New: func() caddy.Module { return new(Handler) }}
}

// Provision implements caddy.Provisioner.
func (h *Handler) Provision(ctx caddy.Context) error {
	mod, err := ctx.AppIfConfigured("payments")
	if errors.Is(err, caddy.ErrNotConfigured) {
		return errors.New("payment_relay needs providers: add a `payments` block to the global options")
	}
	if err != nil {
		return fmt.Errorf("payment_relay: %w", err)
	}
	app, ok := mod.(App)
	if !ok {
		return fmt.Errorf("the payments app is a %T", mod)
	}
	h.server = &Server{App: app, Options: h.Options, Place: len(h.Providers) == 1}
	if h.InPlace != nil {
		h.server.Place = *h.InPlace
	}
	if err := h.server.Provision(); err != nil {
		return fmt.Errorf("payment_relay: %w", err)
	}
	if p, ok := app.(interface{ InPlace(provider string) }); ok && h.server.Place {
		p.InPlace(h.Providers[0]) // `doctor` looks where the provider's hosts lead
	}
	var hosts []string
	for _, name := range h.server.names() {
		rel, _ := app.Relayer(name)
		hosts = append(hosts, rel.Dialect().Hosts...)
	}
	return checkCertificates(ctx, hosts)
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	return h.server.Serve(w, r, r.URL.EscapedPath())
}

// parseCaddyfile sets up the handler from Caddyfile tokens. Syntax:
//
//	payment_relay [<provider>...] {
//		allow     <cidr|unix>...
//		when_down refuse|forward
//		unknown   close|504
//	}
func parseCaddyfile(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	h.Next()
	r := new(Handler)
	r.Providers = h.RemainingArgs()
	if err := block.Parse(h.Dispenser, "payment_relay", r.Lines()); err != nil {
		return nil, err
	}
	return r, nil
}

// Lines are the options' lines in a Caddyfile.
func (o *Options) Lines() []block.Option {
	return []block.Option{
		{Name: "allow", Many: true, Read: func(d *caddyfile.Dispenser) error {
			names, err := block.Args(d)
			if err != nil {
				return err
			}
			for _, a := range names {
				if a == "unix" {
					continue
				}
				if _, err := parseNet(a); err != nil {
					return d.Errf("allow takes addresses, networks such as 10.0.0.0/8, or unix%s", quote.Not(a, "unix"))
				}
			}
			o.Allow = append(o.Allow, names...)
			return nil
		}},
		block.Word("when_down", &o.WhenDown, "refuse", "forward"),
		block.Word("unknown", &o.Unknown, "close", "504"),
	}
}

// Interface guards.
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
