package handlers

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/payment"
)

// announcedReturn returns the address that the customer comes back to, and the route
// that takes it, if the shop said so. Whatever is said and cannot be used has a
// reason: a payment whose customer never returns hangs on it. The shop may write
// any name of its site, in any spelling.
func (h *Handler) announcedReturn(r *http.Request, p *provider, address string) (ret *payment.Return, route string, why error) {
	if address == "" {
		return nil, "", nil
	}
	u, err := url.Parse(address)
	if err != nil || u.User != nil || u.Opaque != "" || u.Host == "" && u.Scheme != "" ||
		u.Host != "" && u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https" {
		return nil, "", errors.New("X-Payment-Return is no address")
	}
	if u.Host != "" && !h.calledBy(r, u) {
		return nil, "", fmt.Errorf("X-Payment-Return leads to %s, which is no name of this site", hostName(u.Host))
	}
	path := u.EscapedPath()
	if !strings.HasPrefix(path, "/") {
		if path != "" {
			return nil, "", errors.New("X-Payment-Return has neither a host nor a path that begins with /")
		}
		path = "/"
	}
	back := h.wayBack(r)
	if back.front != "" {
		if behind, ok := beyond(path, back.front); ok && behind != "" {
			path = behind // what the proxy in front leaves
		}
	}
	inner, ok := beyond(path, back.stripped)
	if !ok || !strings.HasPrefix(inner, "/") {
		return nil, "", fmt.Errorf("X-Payment-Return %s is outside of the paths that lead to this shop, which begin with %s", path, back.stripped)
	}
	v, err := h.routeOf(r, p, inner, u.RawQuery)
	switch {
	case err != nil:
		return nil, "", err
	case v == nil:
		return nil, "", fmt.Errorf("X-Payment-Return: no verify route of %s takes %s", p.Name, path)
	}
	uri := path
	if u.RawQuery != "" {
		uri += "?" + u.RawQuery
	}
	secure := h.secureView(r)
	return &payment.Return{Method: http.MethodGet, Secure: secure, Host: r.Host, URI: uri, By: visitorOf(r)}, v.route.name, nil
}

// calledBy reports whether an address has one of the site's names. Ports that browsers
// leave out, and those that we listen on, may be there: shops put SERVER_PORT
// into their addresses, which is not always what the browser sees.
func (h *Handler) calledBy(r *http.Request, u *url.URL) bool {
	name, port := hostName(u.Host), u.Port()
	s, p := h.siteOf(r), h.place()
	var known bool
	ports := append([]string{"", "80", "443", p.port}, p.ports...)
	for _, o := range s.origins {
		if o, err := parsePublicURL(o); err == nil {
			known = known || name == o.host
			ports = append(ports, o.port)
		}
	}
	if _, own := splitHost(r.Host); own != "" {
		ports = append(ports, own) // a port that something in front maps to ours
	}
	if p.site != nil {
		known = known || slices.Contains(p.hosts.names, name) || p.hosts.wild() && p.hosts.takes(name)
	} else {
		known = known || p.hosts.shop(name) == hostOf(s.id)
	}
	for _, twin := range []string{"www." + name, strings.TrimPrefix(name, "www.")} {
		known = known || twin == hostOf(s.id)
	}
	return known && slices.Contains(ports, port)
}

// hostOf returns the host in a site's id.
func hostOf(id string) string {
	authority, _, _ := strings.Cut(id, "/")
	return hostName(authority)
}

// routeOf returns the verify route of a provider that takes an address which nobody
// asked for yet.
func (h *Handler) routeOf(r *http.Request, p *provider, path, query string) (*Verify, error) {
	// A shop's address may end with a slash that the route's path has not, or the
	// other way round.
	for _, path := range []string{path, strings.TrimSuffix(path, "/"), path + "/"} {
		if path == "" {
			continue
		}
		probe, err := h.probe(r, path, query)
		if err != nil {
			return nil, err
		}
		for _, v := range h.Verify {
			if v.Provider != p.Name {
				continue
			}
			ok, err := v.matches(probe, needsMatcher(probe.URL.Path))
			if err != nil {
				return nil, fmt.Errorf("X-Payment-Return: a matcher of the verify route failed: %w", err)
			}
			if ok {
				return v, nil
			}
		}
	}
	return nil, nil //nolint:nilnil // none is an answer
}

// probe returns the request that a browser would make of an address: matchers and
// placeholders see nothing of the one at hand but its connection and cookies.
func (h *Handler) probe(r *http.Request, path, query string) (*http.Request, error) {
	u, err := url.ParseRequestURI(path)
	if err != nil {
		return nil, fmt.Errorf("X-Payment-Return: %w", err)
	}
	u.RawQuery = query
	probe := r.Clone(r.Context())
	probe.Method, probe.URL, probe.RequestURI = http.MethodGet, u, u.RequestURI()
	probe.Body, probe.ContentLength = http.NoBody, 0
	probe.Header.Del("Content-Type")
	probe.Header.Del("Content-Length")
	probe = caddyhttp.PrepareRequest(probe, caddy.NewReplacer(), nil, h.server)
	mine, _ := probe.Context().Value(caddyhttp.VarsCtxKey).(map[string]any)
	if vars, ok := r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any); ok && mine != nil {
		maps.Copy(mine, vars)
	}
	return probe, nil
}
