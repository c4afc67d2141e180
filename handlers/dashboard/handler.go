package dashboard

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/internal/caching"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/internal/quote"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/payment"
)

func init() {
	caddy.RegisterModule(new(Handler))
}

// Handler is the dashboard for the shop's people. Its first page answers “is everything
// well?”; behind it are payments by what they wait for, each with one sentence why, the
// amounts in toman and rial, the numbers to search for in the provider's panel, and the
// buttons that decide.
//
// It serves only users that a handler before it has authenticated, such as
// `basic_auth`: it needs `{http.auth.user.id}`, which is also the name that is
// kept with a decision. It answers every request that reaches it.
//
// Every user may decide, unless `role` or `decide` says who.
type Handler struct {
	// The sites whose payments are shown: their hosts, with the port if it is not the
	// usual one. Write it if your sites have different owners. Default: all sites.
	Sites []string `json:"sites,omitempty"`

	// The language: `fa` or `en`. Default: what the browser asks for, else
	// Persian; `?lang=` takes precedence.
	Language string `json:"language,omitempty"`

	// The page's title. Default: “Payments” in the page's language.
	Title string `json:"title,omitempty"`

	// A placeholder of the authenticating handler, such as `{http.auth.user.role}`. A user
	// whose value has the word `decide` may decide, one with `view` may look, and
	// others are refused.
	Role string `json:"role,omitempty"`

	// The users who may decide; all others may look.
	Deciders []string `json:"decide,omitempty"`

	// How many payments a page lists, up to 200. Default: 25.
	PageSize int `json:"page_size,omitempty"`

	app operate.App
	log *zap.Logger

	// ended is closed by stop: when the server or the configuration ends.
	ended chan struct{}
	stop  func()
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
	h.open()
	// A stream must end before the server waits for its connections.
	if server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); ok {
		server.RegisterOnShutdown(h.stop)
	}
	mod, err := ctx.AppIfConfigured("payments")
	switch {
	case errors.Is(err, caddy.ErrNotConfigured):
		return errors.New("payment_dashboard needs the payments app: add a `payments` block to the global options")
	case err != nil:
		return err
	}
	app, ok := mod.(operate.App)
	if !ok {
		return fmt.Errorf("the payments app is a %T", mod)
	}
	h.app = app
	h.PageSize = cmp.Or(h.PageSize, defaultPageSize)
	return h.validate()
}

// open makes the end of the streams.
func (h *Handler) open() {
	h.ended = make(chan struct{})
	h.stop = sync.OnceFunc(func() { close(h.ended) })
}

// Cleanup implements caddy.CleanerUpper.
func (h *Handler) Cleanup() error {
	h.stop()
	return nil
}

func (h *Handler) validate() error {
	if err := h.checkRoles(); err != nil {
		return err
	}
	if _, ok := lang.Parse(h.Language); h.Language != "" && !ok {
		return fmt.Errorf("language must be fa or en%s", quote.Not(h.Language, "fa", "en"))
	}
	if h.PageSize < 0 || h.PageSize > maxPageSize {
		return fmt.Errorf("page_size must be from 1 to %d", maxPageSize)
	}
	return nil
}

// ServeHTTP implements caddyhttp.MiddlewareHandler. The next handler is never
// called: whatever lies below must not be reached by a mistyped address.
//
// Invariant: no answer of it says that a cache may keep it, whatever a `header` before it
// has set.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	caching.Private(w.Header(), "no-store")
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
	switch p.role = h.roleOf(r, p.user); {
	case p.role == nobody:
		p.message(http.StatusForbidden, "role_title", "role_text", "")
		return nil
	case r.Method == http.MethodGet && r.URL.Query().Has("live"):
		p.live()
		return nil
	}
	defer operate.Use(h.app)()
	e, err := h.app.Engine(r.Context())
	if err != nil {
		p.fail(fmt.Errorf("%w: %w", operate.ErrUnavailable, err))
		return nil
	}
	p.engine = e
	if err := p.serve(); err != nil {
		p.fail(err)
	}
	return nil
}

// serve answers as the query says.
func (p *page) serve() error {
	q := p.r.URL.Query()
	ref := q.Get("ref")
	kind, back := kindOf(q.Get("back"))
	switch {
	case p.r.Method == http.MethodPost && p.role != decider:
		return errViewer
	case p.r.Method == http.MethodPost:
		return p.post(ref)
	case ref != "" && back:
		return p.confirm(ref, kind, http.StatusOK, "", "", "")
	case ref != "":
		return p.detail(ref, draft{})
	case q.Get("tab") == "audit":
		return p.audit()
	}
	for _, name := range []string{"tab", "q", "provider", "state", "from", "to", "cursor"} {
		if q.Get(name) != "" {
			return p.list()
		}
	}
	return p.home()
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
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
