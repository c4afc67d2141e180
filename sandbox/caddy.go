package sandbox

import (
	"cmp"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/internal/secret"
)

func init() {
	caddy.RegisterModule(Handler{})
	httpcaddyfile.RegisterHandlerDirective("payment_sandbox", parseCaddyfile)
	httpcaddyfile.RegisterDirectiveOrder("payment_sandbox", httpcaddyfile.Before, "respond")
}

// states keeps the payments of a sandbox over config reloads.
var states = caddy.NewUsagePool()

// Handler is a payment sandbox. It plays the payment gateways and an affiliate network,
// with a bank page on which no money moves. It answers every request that reaches it.
// Use it for development only: it accepts any key. By default it serves only clients on
// the same machine.
type Handler struct {
	// Name is the sandbox's name. Sandboxes with the same name share their payments, and
	// a reload keeps them. Default: `default`.
	Name string `json:"name,omitempty"`

	// Window is how long a paid IDPay payment waits for its verify call before
	// the money goes back to the payer. Default: `10m`.
	Window caddy.Duration `json:"window,omitempty"`

	// Return is how the payer's browser comes back to the merchant: `get`,
	// `post`, or `bare` (GET without any parameter). Default: `get`.
	Return string `json:"return,omitempty"`

	// Returns overrides Return for single providers, by name. Default: none.
	Returns map[string]string `json:"returns,omitempty"`

	// StoreTokens are the Hamekar store tokens to accept. Default: any that
	// does not contain `wrong` or `invalid`.
	StoreTokens []string `json:"store_tokens,omitempty"`

	// APIKeys are the keys that IDPay and the invoice script accept.
	// Default: any (for IDPay any UUID) that does not contain `wrong` or
	// `invalid`.
	APIKeys []string `json:"api_keys,omitempty"`

	// MerchantIDs are the merchants (Sama, Zarinpal, Zibal) to accept. Default: any that does not
	// contain `wrong` or `invalid`.
	MerchantIDs []string `json:"merchant_ids,omitempty"`

	// AllowRemote answers clients on other machines too. Default: false, they get 403.
	AllowRemote bool `json:"allow_remote,omitempty"`

	// PublicURL is the start of the pay links, for a sandbox behind a proxy. Default:
	// scheme and host of the request that creates the payment.
	PublicURL string `json:"public_url,omitempty"`

	server *Server
	pooled bool
	logger *zap.Logger
}

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.payment_sandbox",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision finds the ledger of this name, or starts one.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.logger = ctx.Logger()
	h.Name = cmp.Or(h.Name, "default")
	opts := Options{
		Window:      timeOf(h.Window),
		Return:      h.Return,
		Returns:     h.Returns,
		StoreTokens: h.StoreTokens,
		APIKeys:     h.APIKeys,
		MerchantIDs: h.MerchantIDs,
		AllowRemote: h.AllowRemote,
		PublicURL:   h.PublicURL,
		Stopping:    caddy.Exiting,
	}
	for _, secrets := range []*[]string{&opts.StoreTokens, &opts.APIKeys, &opts.MerchantIDs} {
		resolved, err := resolve(*secrets)
		if err != nil {
			return fmt.Errorf("payment_sandbox: %w", err)
		}
		*secrets = resolved
	}
	server, err := New(opts)
	if err != nil {
		return fmt.Errorf("payment_sandbox: %w", err)
	}
	pooled, _, err := states.LoadOrNew(h.Name, func() (caddy.Destructor, error) { return server.st, nil })
	if err != nil {
		return fmt.Errorf("payment_sandbox: opening ledger: %w", err)
	}
	server.st = pooled.(*state) // nothing else is in this pool
	h.server, h.pooled = server, true
	if h.AllowRemote {
		h.logger.Warn("the payment sandbox answers clients on other machines; it confirms payments that nobody made")
	}
	return nil
}

// resolve fills placeholders such as {env.NAME} in, in a copy: the config that
// Caddy shows keeps them.
func resolve(secrets []string) ([]string, error) {
	out := make([]string, 0, len(secrets))
	for _, s := range secrets {
		v, err := secret.Expand("a key of the sandbox", s)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// Cleanup gives the ledger back; the last user's call forgets it.
func (h *Handler) Cleanup() error {
	if !h.pooled {
		return nil
	}
	h.pooled = false
	_, err := states.Delete(h.Name)
	return err
}

// ServeHTTP answers every request; the next handler is never called, because
// an empty 200 for a mistyped API path would look like an answer.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	h.server.ServeHTTP(w, r)
	return nil
}

// Destruct lets delayed and hanging answers go when the ledger is forgotten.
func (st *state) Destruct() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.clearFaults("")
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
	_ caddyfile.Unmarshaler       = (*Handler)(nil)
	_ caddy.Destructor            = (*state)(nil)
)
