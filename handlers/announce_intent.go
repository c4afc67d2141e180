package handlers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
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
	if in.ID == "" || !visible(in.ID) {
		return a, fmt.Errorf("id is %.64q: it must be what the provider calls the payment, 1 to %d visible ASCII characters", in.ID, mostID)
	}
	if payment.CheckOrder(in.Order) != nil {
		return a, fmt.Errorf("order is %.80q: it must have 1 to 64 bytes and no control characters", in.Order)
	}
	if in.Amount <= 0 {
		return a, errors.New("amount must be whole rials above zero")
	}
	// What the customer would ask the home page by, as far as a server has prepared it.
	r, err := h.visitor(ctx, in.Site, "/")
	if err != nil {
		return a, err
	}
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), nil, h.server)
	if h.nameless(r) {
		return a, fmt.Errorf("site is %.80q: it is no host name", in.Site)
	}
	site := h.siteOf(r)
	a = engine.Announcement{
		Site: site.id, Formerly: site.formerly(), Provider: p.Name, ID: in.ID, Order: in.Order, Amount: in.Amount, Many: h.many(p), Observed: h.observesOnly(p),
	}
	if in.Return == "" || a.Observed { // nobody is handed what the shop verifies
		return a, nil
	}
	if a.Return, a.Route, err = h.announcedReturn(r, p, in.Return); err != nil {
		return a, errors.New("return: " + strings.TrimPrefix(strings.ReplaceAll(err.Error(), headerReturn, "it"), "it: "))
	}
	a.Return.By = nil // no visitor has come yet
	return a, nil
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
