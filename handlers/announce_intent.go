package handlers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/payment"
)

// Announcement implements [engine.Announcer].
//
// Its invariant: what a program announces meets the checks of what a page announces; of
// what can't be used nothing is kept, because the program is there to hear why.
func (s *Sites) Announcement(ctx context.Context, in engine.Intent) (a engine.Announcement, err error) {
	h, p, err := s.intended(in)
	if err != nil {
		return a, err
	}
	said := in.ID
	if said == "" || !visible(said) {
		return a, fmt.Errorf("id is %.64q: it must be what the provider calls the payment, 1 to %d visible ASCII characters", said, mostID)
	}
	if in.ID, err = p.readID(in.ID); err != nil {
		return a, fmt.Errorf("id is %.64q, and its provider is %s: %w", said, p.Name, err)
	}
	if payment.CheckOrder(in.Order) != nil {
		return a, fmt.Errorf("order is %.80q: it must have 1 to 64 bytes and no control characters", in.Order)
	}
	if in.Amount <= 0 {
		return a, errors.New("amount must be whole rials above zero")
	}
	// What the customer would ask the home page by, as far as a server has prepared it.
	ways := h.ways()
	first, err := h.coming(ctx, in.Site, ways[0])
	if err != nil {
		return a, err
	}
	if h.nameless(first) {
		return a, fmt.Errorf("site is %.80q: it is no host name", in.Site)
	}
	site := h.siteOf(first)
	a = engine.Announcement{
		Site: site.id, Formerly: site.formerly(), Provider: p.Name, ID: in.ID, Order: in.Order, Amount: in.Amount, Many: h.many(p), Observed: h.observesOnly(p),
	}
	if in.Return == "" || a.Observed { // nobody is handed what the shop verifies
		return a, nil
	}
	var why error
	for _, way := range ways {
		r, err := h.coming(ctx, in.Site, way)
		if err != nil {
			return a, err
		}
		if u, wrong := url.Parse(in.Return); way.whole && wrong == nil && !leadsBelow(u.EscapedPath(), site.path) {
			err = fmt.Errorf("%.200q is outside of the paths that lead to this shop, which begin with %s", u.EscapedPath(), site.path)
		} else {
			a.Return, a.Route, err = h.announcedReturn(r, p, in.Return)
		}
		if err == nil {
			break
		}
		if why == nil {
			why = err
		}
	}
	if a.Return == nil {
		return a, errors.New("return: " + strings.TrimPrefix(strings.ReplaceAll(why.Error(), headerReturn, "it"), "it: "))
	}
	a.Return.By = nil // no visitor has come yet
	return a, nil
}

// way is how the paths that browsers ask a shop for come to its handler: the path of a request
// for its first page, as the server gets it and as the handler sees it.
type way struct {
	came, seen string
	// whole: all of the shop's path is still there.
	whole bool
}

// ways returns how requests may come to the handler, the likeliest first.
//
// Its invariant: a return that is announced without a customer's request is handed over by a
// path that leads to the handler. What Caddy takes off a path, its routes tell; whether a
// proxy in front takes off the shop's, nothing does, so the verify route decides.
func (h *Handler) ways() []way {
	p := h.place()
	path := ""
	if p.site != nil {
		path = p.site.path
	}
	switch {
	case p.stripped != "" && inPath(path, p.stripped):
		return []way{{came: path + "/", seen: path[len(p.stripped):] + "/"}}
	case p.stripped != "" || path == "":
		return []way{{came: p.stripped + "/", seen: "/"}}
	}
	whole, front := way{path + "/", path + "/", true}, way{came: "/", seen: "/"}
	switch {
	case onlyBelow(p.branch, path):
		return []way{whole} // without the path nothing comes here
	case p.branch != "":
		return []way{whole, front}
	}
	return []way{front, whole}
}

// onlyBelow reports whether the first routes that lead to a handler take nothing but a path and
// what is below it.
func onlyBelow(branch, path string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(branch, ">"), ">")
	patterns := strings.Fields(first)
	return len(patterns) > 0 && !slices.ContainsFunc(patterns, func(pattern string) bool {
		return !inPath(strings.TrimSuffix(pattern, "*"), path)
	})
}

// coming returns a visitor's request for a shop's first page, as the handler sees it.
func (h *Handler) coming(ctx context.Context, id string, w way) (*http.Request, error) {
	r, err := h.visitor(ctx, id, w.came)
	if err != nil {
		return nil, err
	}
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), nil, h.server)
	r.URL.Path = w.seen
	return r, nil
}

// visible reports whether a provider's id has the form of one.
func visible(id string) bool {
	return len(id) <= mostID && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// intended finds the site and the provider of an intent: a block with a verify route of
// that provider, or with an observe route.
func (s *Sites) intended(in engine.Intent) (*Handler, *provider, error) {
	var shops, names []string
	var found *Handler
	var prov *provider
	known := false
	for _, h := range s.all() {
		routes := h.announcing()
		if len(routes) == 0 {
			continue
		}
		shop := h.place().shopName()
		if in.Site != "" && !h.owns(in.Site) {
			shops = adding(shops, shop)
			continue
		}
		known = true
		for _, p := range routes {
			names = adding(names, p.Name)
			if in.Provider != "" && p.Name != in.Provider {
				continue
			}
			if found != nil && in.Site == "" && found.place().shopName() != shop {
				return nil, nil, fmt.Errorf("site is missing, and there are several: %s and %s", found.place().shopName(), shop)
			}
			if found == nil {
				found, prov = h, p
			}
		}
	}
	switch {
	case found == nil && !known && len(shops) == 0:
		return nil, nil, engine.ErrNoSites
	case found == nil && !known:
		return nil, nil, fmt.Errorf("site is %.80q, which no site with a verify or observe route is; %s", in.Site, block.Suggest(in.Site, shops))
	case found == nil:
		return nil, nil, fmt.Errorf("provider is %.40q: no verify or observe route of this site has it; %s", in.Provider, block.Suggest(in.Provider, names))
	case in.Provider == "" && len(names) > 1:
		return nil, nil, fmt.Errorf("provider is missing, and this site has several: %s", block.Join(names, "and"))
	case found.place().site == nil && in.Site == "":
		return nil, nil, fmt.Errorf("site is missing: %s stands for many shops, and only its name tells which", found.place().shopName())
	}
	return found, prov, nil
}

// announcing returns the providers of the routes to which a payment may be announced.
func (h *Handler) announcing() []*provider {
	routes := make([]*provider, 0, len(h.Verify)+len(h.Observe))
	for _, v := range h.Verify {
		routes = append(routes, v.route.provider)
	}
	for _, o := range h.Observe {
		routes = append(routes, o.conf.provider)
	}
	return routes
}

// visitor returns a visitor's request for a path of a site; id says which where only requests
// tell.
func (h *Handler) visitor(ctx context.Context, id, path string) (*http.Request, error) {
	host := id
	if p := h.place(); p.site != nil {
		host, _, _ = strings.Cut(p.site.id, "/")
		if !p.public && p.host != "" {
			host = p.host
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	r.Host, r.RemoteAddr, r.RequestURI = host, nobody, r.URL.RequestURI()
	if h.place().secure {
		name, _ := splitHost(host)
		r.TLS = &tls.ConnectionState{HandshakeComplete: true, ServerName: name, Version: tls.VersionTLS13}
	}
	return r, nil
}

// Interface guards.
var _ engine.Announcer = (*Sites)(nil)
