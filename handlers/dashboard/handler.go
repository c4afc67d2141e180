package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/payment"
)

func init() {
	caddy.RegisterModule(new(Handler))
}

// App is what the dashboard needs of the payments app.
type App interface {
	// Engine returns the engine, waiting a moment while the store is being
	// opened.
	Engine(ctx context.Context) (*engine.Engine, error)
	// ProviderNames are the configured providers, sorted.
	ProviderNames() []string
}

// Handler is the dashboard for the shop's staff. It lists payments by what they wait for,
// and shows for each why it waits, the amounts in toman and rial, the numbers to search
// for in the provider's panel, and the buttons that decide.
//
// It serves only users that an earlier directive, such as `basic_auth`, has
// authenticated: it needs `{http.auth.user.id}`, and keeps that name with each decision.
// It answers every request that reaches it.
type Handler struct {
	// The sites whose payments are shown: their hosts, with the port if it is not the
	// usual one. Write it if your sites have different owners. Default: all sites.
	Sites []string `json:"sites,omitempty"`

	// The language: `fa` or `en`. Default: what the browser asks for, else
	// Persian; `?lang=` takes precedence.
	Language string `json:"language,omitempty"`

	// The page's title. Default: “Payments” in the page's language.
	Title string `json:"title,omitempty"`

	// How many payments a page lists, up to 200. Default: 25.
	PageSize int `json:"page_size,omitempty"`

	app App
	log *zap.Logger
}

const (
	defaultPageSize = 25
	maxPageSize     = 200
)

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.payment_dashboard", New: func() caddy.Module { return new(Handler) }}
}

// Provision implements caddy.Provisioner.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.log = ctx.Logger()
	mod, err := ctx.AppIfConfigured("payments")
	switch {
	case errors.Is(err, caddy.ErrNotConfigured):
		return errors.New("payment_dashboard needs the payments app: add a `payments` block to the global options")
	case err != nil:
		return err
	}
	app, ok := mod.(App)
	if !ok {
		return fmt.Errorf("the payments app is a %T", mod)
	}
	h.app = app
	if h.PageSize == 0 {
		h.PageSize = defaultPageSize
	}
	return h.validate()
}

func (h *Handler) validate() error {
	if _, ok := lang.Parse(h.Language); h.Language != "" && !ok {
		return fmt.Errorf("language %q must be fa or en", h.Language)
	}
	if h.PageSize < 0 || h.PageSize > maxPageSize {
		return fmt.Errorf("page_size must be from 1 to %d", maxPageSize)
	}
	return nil
}

// ServeHTTP implements caddyhttp.MiddlewareHandler. The next handler is never
// called: whatever lies below must not be reached by a mistyped address.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	p := &page{h: h, w: w, r: r, lang: h.language(r)}
	p.user = userOf(r)
	if p.user == "" {
		p.message(http.StatusForbidden, "login_title", "login_text", loginExample)
		return nil
	}
	if !slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPost}, r.Method) {
		w.Header().Set("Allow", "GET, HEAD, POST")
		p.message(http.StatusMethodNotAllowed, "method_title", "", "")
		return nil
	}
	defer operate.Use(h.app)()
	e, err := h.app.Engine(r.Context())
	if err != nil {
		p.fail(fmt.Errorf("%w: %w", operate.ErrUnavailable, err))
		return nil
	}
	p.engine = e
	ref := r.URL.Query().Get("ref")
	switch {
	case r.Method == http.MethodPost:
		err = p.post(ref)
	case ref != "":
		err = p.detail(ref, draft{})
	default:
		err = p.list()
	}
	if err != nil {
		p.fail(err)
	}
	return nil
}

// userOf is the user that a handler before this one has authenticated.
func userOf(r *http.Request) string {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return ""
	}
	user, _ := repl.GetString("http.auth.user.id")
	return user
}

// sees is whether this dashboard shows payments of the record's site.
func (h *Handler) sees(r *payment.Record) bool {
	return len(h.Sites) == 0 || slices.Contains(h.Sites, r.Site)
}

// ShownSites are the sites that this dashboard was told to show, for whoever knows
// which sites there are.
func (h *Handler) ShownSites() []string { return h.Sites }

// Interface guards.
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
