package handlers

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

// Sites are all sites of one configuration, for the engine's worker.
type Sites struct {
	mu       sync.Mutex
	handlers []*Handler
	// settled is whether each handler has its place.
	settled bool
	// http is all that Caddy serves, known from the start on.
	http atomic.Pointer[caddyhttp.App]
}

// NewSites returns an empty set.
func NewSites() *Sites { return new(Sites) }

// Join adds a site while it is provisioned. It refuses one that cannot be told
// apart from those that are there already, so that `caddy validate` shows it:
// the last of them meets all others.
func (s *Sites) Join(h *Handler) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.sites = s
	s.handlers = append(s.handlers, h)
	var known []*Handler
	where := make(map[*Handler]standing)
	for _, h := range s.handlers {
		if h.underway.found {
			known = append(known, h)
			where[h] = h.underway
		}
	}
	global := h.app.Origin()
	return judge(known, settle(known, where, global), global)
}

// all returns the handlers, each with its place, in the order in which Caddy asks
// them.
func (s *Sites) all() []*Handler {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.settled || len(s.handlers) == 0 {
		return s.handlers
	}
	for i, p := range s.places() {
		s.handlers[i].placed.Store(p)
	}
	slices.SortStableFunc(s.handlers, func(a, b *Handler) int { return cmp.Compare(a.placed.Load().order, b.placed.Load().order) })
	s.settled = true
	return s.handlers
}

func (s *Sites) places() []*place {
	return settle(s.handlers, linked(s.handlers), s.handlers[0].app.Origin())
}

// Finding is something in the configuration that the owner should know.
type Finding struct {
	Code, Text, Where string
	// Grave: a promise isn't kept, as far as can be seen.
	Grave bool
}

// finding returns something that the owner of this site should know.
func (h *Handler) finding(code, text string) Finding {
	return Finding{Code: code, Where: h.place().shopName(), Text: text}
}

// Place locates all sites and reports what endangers money in how they stand.
func (s *Sites) Place(app *caddyhttp.App) ([]Finding, error) {
	s.http.Store(app)
	handlers := s.all()
	if len(handlers) == 0 {
		return around(app) // of a dashboard alone
	}
	placed := make([]*place, len(handlers))
	for i, h := range handlers {
		placed[i] = h.place()
	}
	if err := judge(handlers, placed, handlers[0].app.Origin()); err != nil {
		return nil, err
	}
	if _, err := around(app); err != nil {
		return nil, err
	}
	return s.Inspect(app), nil
}

// Keyless returns the sites that verify payments and have no signing_key of their
// own, and whether any site has one.
func (s *Sites) Keyless() (sites []string, others bool) {
	for _, h := range s.all() {
		switch {
		case len(h.Verify) == 0:
		case h.keys != nil:
			others = true
		default:
			sites = adding(sites, h.place().shopName())
		}
	}
	return sites, others
}

// Known returns what may be known of the keys that sites have of their own.
func (s *Sites) Known() (keys []token.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.handlers {
		if h.keys != nil {
			keys = append(keys, h.keys.Known()...)
		}
	}
	return keys
}

// Reporting returns the sites that note affiliates' visits, and those whose payments become
// known, so that sales are reported: verified by us, relayed or observed.
func (s *Sites) Reporting() (tracks, reports []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.handlers {
		if len(h.Track) > 0 {
			tracks = adding(tracks, h.place().shopName())
		}
		if h.reports() {
			reports = adding(reports, h.place().shopName())
		}
	}
	return tracks, reports
}

// Inspect reports the same of sites that are placed already.
func (s *Sites) Inspect(app *caddyhttp.App) []Finding {
	handlers := s.all()
	outside, _ := around(app) // what is refused doesn't run
	return slices.Concat(outside, repeating(handlers), withoutReferrer(handlers), mapped(handlers), unguarded(app, handlers), ungated(app, handlers), late(handlers), unsold(handlers), staleCatalogues(handlers), unshown(app, handlers), withoutPage(handlers), gatedReturns(handlers), unheard(handlers))
}

// Origins returns the origins that return addresses begin with; for a site whose
// names only requests tell, what its names look like.
func (s *Sites) Origins() (origins, patterns []string) {
	for _, h := range s.all() {
		switch p := h.place(); {
		case p.site != nil:
			origins = adding(origins, p.site.origin)
		default:
			patterns = adding(patterns, p.key())
		}
	}
	return origins, patterns
}

// mapped finds sites whose return addresses have a port that browsers never
// write.
func mapped(handlers []*Handler) []Finding {
	var out []Finding
	for _, h := range handlers {
		if p := h.place(); p.mapped.Load() {
			out = adding(out, Finding{Code: "mapped_port", Where: p.shopName(), Text: "browsers ask for this site without the port " + p.port +
				", which return addresses and receipts have: something in front maps another port to it; write its address as browsers see it, `public_url https://shop.example.com`, in its block"})
		}
	}
	return out
}

func upstreams(srv *caddyhttp.Server, routes caddyhttp.RouteList) []*reverseproxy.Handler {
	return handlersOf[*reverseproxy.Handler](srv, routes)
}

// gates returns the addresses of proxies that only ask whether a request may go on,
// as forward_auth does: they send one of their own and answer it themselves
// unless it goes well. True are those that other proxies lead to as well.
func gates(proxies []*reverseproxy.Handler) map[string]bool {
	found := make(map[string]bool)
	for _, gate := range []bool{true, false} {
		for _, p := range proxies {
			for _, u := range p.Upstreams {
				a, err := caddy.ParseNetworkAddress(u.Dial)
				if err != nil || asks(p) != gate {
					continue
				}
				address := a.JoinHostPort(0)
				if _, known := found[address]; gate || known {
					found[address] = !gate
				}
			}
		}
	}
	return found
}

// find returns the site and route of a record.
func (s *Sites) find(r *payment.Record) (*Handler, *Verify) {
	return routeOf(s, r, func(h *Handler) []*Verify { return h.Verify }, func(v *Verify) (*provider, string, string) { return v.route.provider, v.Provider, v.route.name })
}

// routeOf finds the route of a record among those of one kind: of several handlers that
// have it, the one that Caddy would give the customer's request to. A route whose provider
// was renamed since then is still the payment's.
func routeOf[R any](s *Sites, r *payment.Record, routes func(*Handler) []*R, named func(*R) (p *provider, called, name string)) (best *Handler, route *R) {
	rank := 0
	for _, h := range s.all() {
		n := h.rank(r)
		if n == 0 {
			continue
		}
		for _, x := range routes(h) {
			p, called, name := named(x)
			fits := 0
			switch {
			case called == r.Provider && (r.Route == "" || r.Route == name):
				fits = n + byName
			case r.Route != "" && called != r.Provider && p != nil && payment.SameMoney(p.terms.Issuer, r.Issuer) &&
				strings.TrimSuffix(r.Route, " "+r.Provider) == strings.TrimSuffix(name, " "+called):
				fits = n
			}
			if fits > rank {
				best, route, rank = h, x, fits
			}
		}
	}
	return best, route
}

// byName is what a route of the payment's own provider has before one that was renamed: more
// than any rank.
const byName = 100

// rank returns how well a handler fits a record's site, 0 if it does not: a site of
// that very name goes before one that had the name formerly, and before one
// that takes many names; of twins, the one of the record's scheme.
func (h *Handler) rank(r *payment.Record) int {
	if !h.owns(r.Site) {
		return 0
	}
	n := 1
	p := h.place()
	if p.site != nil {
		n = 3
		if p.site.id == r.Site {
			n = 5
		}
	}
	if r.Return != nil && p.secure == r.Return.Secure {
		n++
	}
	return n
}

// Policy implements engine.Sites.
func (s *Sites) Policy(r *payment.Record) (engine.Policy, bool) {
	h, v := s.find(r)
	if r.Relay != nil {
		if _, o := s.findObserve(r); o != nil && (h == nil || r.Route == o.conf.name) {
			p := o.policy()
			p.Live = o.conf.provider.live()
			return p, true
		}
	}
	if h == nil {
		return engine.Policy{}, false
	}
	p := v.policy()
	p.Live, p.Moved = v.route.provider.live(), v.Provider != r.Provider
	p.Park = p.Park || v.strayed(r)
	if s := h.place().site; s != nil {
		p.Formerly = slices.DeleteFunc(slices.Clone(s.names), func(name string) bool { return name == r.Site })
	}
	return p, true
}

// Settles implements engine.Settler.
func (s *Sites) Settles(r *payment.Record) bool {
	h, v := s.find(r)
	if v == nil || h.server == nil {
		return false
	}
	_, o := s.findObserve(r)
	return o == nil
}

// Expect implements engine.Sites.
func (s *Sites) Expect(ctx context.Context, r *payment.Record) (payment.Expectation, error) {
	h, v := s.find(r)
	if h == nil || v.route.lookup == nil {
		return payment.Expectation{}, engine.ErrUnanswered
	}
	return v.lookup(ctx, h, r.ID, r.Order)
}

// Deliver implements engine.Sites.
func (s *Sites) Deliver(ctx context.Context, r *payment.Record) engine.Handed {
	h, v := s.find(r)
	if h == nil || h.server == nil {
		return engine.Handed{Unsent: true}
	}
	return h.deliverInProcess(ctx, v, r)
}

// Interface guards.
var (
	_ engine.Sites    = (*Sites)(nil)
	_ engine.Replayer = (*Sites)(nil)
	_ engine.Settler  = (*Sites)(nil)
	_ http.Handler    = (*caddyhttp.Server)(nil)
)
