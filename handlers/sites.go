package handlers

import (
	"context"
	"net/http"
	"slices"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// Sites are all sites of one configuration, for the engine's worker.
type Sites struct {
	mu       sync.Mutex
	handlers []*Handler
}

// NewSites returns an empty set.
func NewSites() *Sites { return new(Sites) }

// Join adds a site while it is provisioned.
func (s *Sites) Join(h *Handler) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers = append(s.handlers, h)
	return nil
}

// Finding is something in the configuration that the owner should know.
type Finding struct{ Code, Text, Where string }

// Place locates all sites and reports what endangers money in how they stand.
func (s *Sites) Place(app *caddyhttp.App) ([]Finding, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.handlers {
		h.locate()
	}
	return slices.Concat(s.retrying(), unguarded(app, s.handlers), ungated(app, s.handlers)), s.sharedNone()
}

// Keyless are the sites that verify payments and have no signing_key of their
// own, and whether any site has one.
func (s *Sites) Keyless() (sites []string, others bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.handlers {
		switch {
		case len(h.Verify) == 0:
		case h.keys != nil:
			others = true
		default:
			sites = adding(sites, h.place().id)
		}
	}
	return sites, others
}

// Inspect reports the same of sites that are placed already.
func (s *Sites) Inspect(app *caddyhttp.App) []Finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Concat(s.retrying(), unguarded(app, s.handlers), ungated(app, s.handlers))
}

// Origins are the origins that return addresses begin with; empty for a site
// that answers to any name.
func (s *Sites) Origins() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, h := range s.handlers {
		if !slices.Contains(all, h.place().origin) {
			all = append(all, h.place().origin)
		}
	}
	return all
}

// retrying finds sites whose proxy may send one delivery twice.
func (s *Sites) retrying() []Finding {
	var out []Finding
	for _, h := range s.handlers {
		once := false
		for _, v := range h.Verify {
			once = once || v.Deliver != deliverIdempotent
		}
		if !once || h.server == nil {
			continue
		}
		for _, p := range upstreams(siteRoutes(h)) {
			if lb := p.LoadBalancing; lb != nil && (lb.Retries > 0 || lb.TryDuration > 0) {
				out = append(out, Finding{
					Code: "retries", Where: h.place().id,
					Text: "reverse_proxy has lb_retries or lb_try_duration beside `deliver once`: Caddy repeats GET requests, so the shop may be asked to credit twice",
				})
				break
			}
		}
	}
	return out
}

// siteRoutes is the top-level route that holds a handler.
func siteRoutes(h *Handler) caddyhttp.RouteList {
	for _, route := range h.server.Routes {
		if found, _ := findSite(caddyhttp.RouteList{route}, h, nil); found != nil {
			return caddyhttp.RouteList{route}
		}
	}
	return nil
}

func upstreams(routes caddyhttp.RouteList) []*reverseproxy.Handler {
	var all []*reverseproxy.Handler
	walk(routes, func(h caddyhttp.MiddlewareHandler) {
		if p, ok := h.(*reverseproxy.Handler); ok {
			all = append(all, p)
		}
	})
	return all
}

// gates are the addresses of proxies that only ask whether a request may go on,
// as forward_auth does: they send one of their own and answer it themselves
// unless it goes well.
func gates(proxies []*reverseproxy.Handler) map[string]bool {
	var found map[string]bool
	each := func(gate bool, visit func(address string)) {
		for _, p := range proxies {
			if gate != (p.Rewrite != nil && p.Rewrite.URI != "" && len(p.HandleResponse) > 0) {
				continue
			}
			for _, u := range p.Upstreams {
				if a, err := caddy.ParseNetworkAddress(u.Dial); err == nil {
					visit(a.JoinHostPort(0))
				}
			}
		}
	}
	each(true, func(address string) {
		if found == nil {
			found = make(map[string]bool)
		}
		found[address] = false
	})
	each(false, func(address string) {
		if _, ok := found[address]; ok {
			found[address] = true
		}
	})
	return found
}

func hasUpstream(routes caddyhttp.RouteList) bool { return len(upstreams(routes)) > 0 }

func hasGuard(routes caddyhttp.RouteList) bool {
	found := false
	walk(routes, func(h caddyhttp.MiddlewareHandler) {
		if _, ok := h.(*Handler); ok {
			found = true
		}
	})
	return found
}

func walk(routes caddyhttp.RouteList, visit func(caddyhttp.MiddlewareHandler)) {
	for _, route := range routes {
		for _, h := range route.Handlers {
			visit(h)
			if sub, ok := h.(*caddyhttp.Subroute); ok {
				walk(sub.Routes, visit)
			}
		}
	}
}

// find returns the site and route of a record.
func (s *Sites) find(r *payment.Record) (*Handler, *Verify) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.handlers {
		if !h.owns(r.Site) {
			continue
		}
		for _, v := range h.Verify {
			if v.Provider == r.Provider && (r.Route == "" || r.Route == v.route.name) {
				return h, v
			}
		}
	}
	return nil, nil
}

// Policy implements engine.Sites.
func (s *Sites) Policy(r *payment.Record) (engine.Policy, bool) {
	h, v := s.find(r)
	if h == nil {
		return engine.Policy{}, false
	}
	return v.policy(), true
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
	_ engine.Sites = (*Sites)(nil)
	_ http.Handler = (*caddyhttp.Server)(nil)
)
