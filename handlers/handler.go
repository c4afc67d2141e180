package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/internal/pages"
	"github.com/rahgir/caddy-payments/internal/scrub"
	"github.com/rahgir/caddy-payments/internal/token"
)

func init() {
	caddy.RegisterModule(new(Handler))
}

// Handler is the payments handler of one site. Its guard acts first, once for every request
// of the site, including those of its error routes. It removes every `X-Payment-*` header
// that a client sends, in any spelling, all trailers, and every entry of `Connection` that
// could remove our headers later. The handler's routes capture affiliates' visits, sell,
// verify returns and serve paid content.
//
// A request whose payment was verified carries these headers and placeholders:
//
// Header | Placeholder | Value
// -------|-------------|------
// `X-Payment-Status` | `{http.payments.status}` | `verified`, or where the site asked for `pass`: `duplicate`, `declined`, `pending`, `review`
// `X-Payment-Provider` | `{http.payments.provider}` | the provider's name
// `X-Payment-Id` | `{http.payments.id}` | the provider's id
// `X-Payment-Order` | `{http.payments.order}` | the shop's order
// `X-Payment-Item` | `{http.payments.item}` | the sku
// `X-Payment-Amount` | `{http.payments.amount}` | the price in rials
// `X-Payment-Currency` | `{http.payments.currency}` | `IRR`
// `X-Payment-Paid` | `{http.payments.paid}` | what the payer paid in rials, if known
// `X-Payment-Amount-Checked` | `{http.payments.amount_checked}` | `intent`, `lookup`, `signed`, `sent` or `no`
// `X-Payment-Environment` | `{http.payments.environment}` | `live` or `sandbox`
// `X-Payment-Reference` | `{http.payments.reference}` | the bank's reference
// `X-Payment-Card` | `{http.payments.card}` | the masked card
// `X-Payment-Paid-At` | `{http.payments.paid_at}` | RFC 3339, UTC
// `X-Payment-Track-Id` | `{http.payments.track_id}` | the affiliate's id, if any
// `X-Payment-Delivery` | `{http.payments.delivery}` | which attempt to hand over, from 1
// `X-Payment-Via` | `{http.payments.via}` | `browser` or `worker`
// `X-Payment-Receipt` | `{http.payments.receipt}` | all of the above as a compact JWS
//
// The placeholders are empty on all other requests.
type Handler struct {
	// Landing pages on which an affiliate's id is captured.
	Track []*Track `json:"track,omitempty"`

	// What the site sells without a backend.
	Checkout []*Checkout `json:"checkout,omitempty"`

	// The routes to which customers return from the bank.
	Verify []*Verify `json:"verify,omitempty"`

	// The routes to which customers return if the shop verifies its payments itself.
	Observe []*Observe `json:"observe,omitempty"`

	// The providers' own APIs, served to the shop's plugin.
	Relay []*Relay `json:"relay,omitempty"`

	// Paid content.
	Require []*Require `json:"require,omitempty"`

	// The shop's name and looks on our pages.
	Brand *Brand `json:"brand,omitempty"`

	// A directory with your own templates, which replace our pages.
	Pages string `json:"pages,omitempty"`

	// Whether to read the shop's announcements: `on` or `off`. Default: `on`.
	Announce string `json:"announce,omitempty"`

	// `caddy`: the site's `handle_errors` answers in place of our pages for 4xx and 5xx.
	// Default: our own pages.
	Errors string `json:"errors,omitempty"`

	// This site's own keys, in place of the app's. You need them if sites have different
	// owners.
	SigningKeys []SigningKey `json:"signing_keys,omitempty"`

	// The shop's address as browsers see it: an origin, with a path if several shops share a
	// host. It says which shop this is. Default: the app's, else the site's own address,
	// https unless the site serves only http.
	PublicURL string `json:"public_url,omitempty"`

	// The shop's former addresses. Payments, cookies and signatures that were made under
	// them stay valid.
	Formerly []string `json:"formerly,omitempty"`

	app    App
	log    *zap.Logger
	keys   *token.Keys
	server *caddyhttp.Server
	placed atomic.Pointer[place]
	ours   []*provider
	// used are the providers of this site's own routes.
	used []*provider
	// bound compares returns with their creates: one for each provider that is observed or
	// relayed here. sharing adds those of relays that several sites share.
	bound []*Observe
	// fields are the parameters of them all: a request without any is no return.
	fields  []string
	sharing sync.Once
	// matched: some gate has a matcher, whose result may change though the path stays the
	// same.
	matched bool
	// indexed is done once the gates know the site's index names.
	indexed sync.Once
	sites   *Sites
	// themed makes branded, once the site is known; own are the owner's templates.
	themed  sync.Once
	branded *pages.Theme
	own     *ownPages
	// shape is how its routes were written. underway is its place while it was provisioned.
	shape    []shaped
	underway standing
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.payments", New: func() caddy.Module { return new(Handler) }}
}

// Provision implements caddy.Provisioner.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.log = ctx.Logger()
	if srv, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); ok {
		h.server = srv
		h.underway = underway(ctx, srv, h)
		if by := ahead(ctx, srv, h); by != "" {
			return fmt.Errorf("`payments` comes after %s in a `route`, which answers every request: no guard and no verify would ever run, and returns from the bank would reach the shop unverified; write `payments` outside of `route`, or first in it", by)
		}
		if err := h.guardErrors(ctx); err != nil {
			return err
		}
	}
	if err := h.alone(); err != nil {
		return err
	}
	h.shape = shapeOf(h)
	if err := h.provisionApp(ctx); err != nil {
		return err
	}
	if h.app == nil {
		return nil
	}
	if err := h.provisionKeys(); err != nil {
		return err
	}
	if err := h.provisionPages(ctx); err != nil {
		return err
	}
	if err := h.provisionRoutes(ctx); err != nil {
		return err
	}
	return h.app.Join(h)
}

// provisionApp finds the payments app. A block without routes works without one.
func (h *Handler) provisionApp(ctx caddy.Context) error {
	mod, err := ctx.AppIfConfigured(AppName)
	switch {
	case errors.Is(err, caddy.ErrNotConfigured):
		if len(h.Track)+len(h.Checkout)+len(h.Verify)+len(h.Require)+len(h.Observe)+len(h.Relay) > 0 {
			return fmt.Errorf("this site uses payments: add a `payments` block to the global options")
		}
		return nil
	case err != nil:
		return err
	}
	app, ok := mod.(App)
	if !ok {
		return fmt.Errorf("the payments app is a %T", mod)
	}
	h.app = app
	return nil
}

func (h *Handler) provisionPages(ctx caddy.Context) (err error) {
	if h.Brand != nil {
		if err := h.Brand.Check(); err != nil {
			return err
		}
	}
	if h.Pages != "" {
		h.own, err = newOwnPages(ctx, h.Pages)
	}
	return err
}

func (h *Handler) provisionKeys() error {
	if _, err := parsePublicURL(h.PublicURL); h.PublicURL != "" && err != nil {
		return fmt.Errorf("public_url: %w", err)
	}
	for _, name := range h.Formerly {
		if _, err := parsePublicURL(name); err != nil {
			return fmt.Errorf("formerly: %w", err)
		}
	}
	if len(h.SigningKeys) == 0 {
		return nil
	}
	keys, err := LoadKeys(h.SigningKeys, h.log)
	if err != nil {
		return err
	}
	h.keys = keys
	return nil
}

func (h *Handler) provisionRoutes(ctx caddy.Context) error {
	for i, t := range h.Track {
		if err := t.provision(ctx, h); err != nil {
			return fmt.Errorf("track %d: %w", i+1, err)
		}
	}
	for _, c := range h.Checkout {
		if err := c.provision(ctx, h); err != nil {
			return fmt.Errorf("checkout %s: %w", c.Path, err)
		}
	}
	for _, v := range h.Verify {
		if err := v.provision(ctx, h); err != nil {
			return fmt.Errorf("verify %s %s: %w", v.name(), v.Provider, err)
		}
	}
	for _, o := range h.Observe {
		if err := o.provision(ctx, h); err != nil {
			return fmt.Errorf("observe %s %s: %w", o.name(), o.Provider, err)
		}
	}
	for i, l := range h.Relay {
		if err := l.provision(h); err != nil {
			return fmt.Errorf("relay %d: %w", i+1, err)
		}
		if route := h.hiddenBy(l); route != "" {
			return fmt.Errorf("relay %d answers every request for its path and what is below, so no customer would reach the `%s` line of this site whose path is there: give one of them another path", i+1, route)
		}
	}
	h.bind()
	for i, q := range h.Require {
		if err := q.provision(ctx); err != nil {
			return fmt.Errorf("require %d: %w", i+1, err)
		}
		if err := q.Openable(h.Checkout); err != nil {
			return err
		}
		h.matched = h.matched || len(q.matchers) > 0
	}
	for _, c := range h.Checkout {
		if err := c.findReturn(h); err != nil {
			return fmt.Errorf("checkout %s: %w", c.Path, err)
		}
	}
	for _, v := range h.Verify {
		// Two names may share one pay page: an announcement of this site is for
		// the one that its customers come back to.
		h.ours = append(h.ours, v.route.provider)
	}
	for _, o := range h.Observe {
		h.ours = append(h.ours, o.conf.provider)
	}
	h.used = slices.Clone(h.ours)
	for _, c := range h.Checkout {
		for _, g := range c.conf.gateways {
			h.used = append(h.used, g.provider)
		}
	}
	for _, name := range h.app.ProviderNames() {
		info, _ := h.app.Provider(name)
		h.ours = append(h.ours, &provider{ProviderInfo: info, terms: info.Terms()})
	}
	return nil
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if h.app == nil {
		return guard(w, r, next)
	}
	h.app.Enter()
	defer h.app.Leave()
	if d := deliveryOf(r); d != nil {
		return h.serveWorker(w, r, next, d)
	}
	first := begin(r, h)
	return h.route(w, r, next, first)
}

// route passes the request to the route that serves it, or through the gates to next. It
// allocates nothing if paths decide.
//
// Invariant: what we remove from the path is removed before any route looks at it, and a
// request reaches next only through the gates.
func (h *Handler) route(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, first bool) error {
	if strings.HasPrefix(r.URL.Path, assetsPath) && h.serveAsset(w, r) {
		return nil
	}
	if len(h.Relay) > 0 {
		if l, rest := h.relayed(r); l != nil {
			return l.server.Serve(w, r, rest) // before gates: it is no page of the shop's
		}
	}
	forms := h.takeForms(r)
	needs := needsMatcher(r.URL.Path)
	if len(h.Observe) > 0 {
		o, b, err := h.observed(r, needs)
		switch {
		case o != nil && h.nameless(r):
			return h.refuseNameless(w, r)
		case o != nil && err != nil && replayOf(r) == nil && h.relays(o.Provider):
			return h.refuseForeign(r, o, nil, err)(w, r)
		case o != nil:
			return h.serveObserved(w, r, next, o, b)
		}
	}
	v, err := h.returnRoute(r, needs)
	switch {
	case err != nil:
		return err
	case v != nil:
		return h.serveReturn(w, r, next, v)
	}
	if page := h.strayed(r); page != nil {
		return page(w, r)
	}
	for _, c := range h.Checkout {
		if item, receipt, ok := c.item(r.URL.Path); receipt {
			return h.serveReceipt(w, r, c)
		} else if ok {
			return h.serveCheckout(w, r, c, item)
		} else if c.unread(r.URL.Path) {
			return h.serveUnread(w, r)
		}
	}
	caching, err := h.capture(w, r, forms, needs)
	if err != nil {
		return err
	}
	visit, err := h.onward(r, forms, needs)
	if err != nil {
		return err
	}
	if tell := h.looksLikeReturn(r); tell != nil {
		// Another block of the same site may take it behind this one.
		defer tell()
	}
	if caching == "" && visit == nil && len(h.Require) == 0 && (!first || h.Announce == "off") {
		// Another guard of the same site watches the answer already.
		return h.unsold(w, r, next.ServeHTTP(w, r))
	}
	return h.unsold(w, r, h.watch(w, r, next, caching, visit))
}

// begin does the guard's work on a request. It acts once, so that a second block (a snippet)
// does not remove what the first one set.
func begin(r *http.Request, h *Handler) (first bool) {
	ctx := r.Context()
	vars, ok := ctx.Value(caddyhttp.VarsCtxKey).(map[string]any)
	if ok {
		switch was := vars[guardedVar].(type) {
		case nil:
			vars[guardedVar] = h
		case *Handler:
			if was != h && h != nil {
				vars[guardedVar] = []*Handler{was, h}
			}
			return false
		case []*Handler:
			if h != nil && !slices.Contains(was, h) {
				vars[guardedVar] = append(was, h)
			}
			return false
		}
	}
	scrub.Request(r)
	if trusted, _ := vars[caddyhttp.TrustedProxyVarKey].(bool); !trusted {
		scrub.Routing(r)
	}
	if repl, ok := ctx.Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		repl.Map(emptyPlaceholders)
	}
	return true
}

// met returns the sites whose guards a request has passed.
func met(r *http.Request) []*Handler {
	switch sites := caddyhttp.GetVar(r.Context(), guardedVar).(type) {
	case *Handler:
		if sites != nil {
			return []*Handler{sites}
		}
	case []*Handler:
		return slices.DeleteFunc(slices.Clone(sites), func(h *Handler) bool { return h == nil })
	}
	return nil
}

// Interface guards.
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
