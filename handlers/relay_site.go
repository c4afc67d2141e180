package handlers

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/handlers/relay"
	"github.com/rahgir/caddy-payments/payment"
)

// Relay serves providers' own APIs under a path of the site, so that the shop's
// unmodified plugin calls `<path>/<provider>/…` instead of the provider.
type Relay struct {
	// The path, best with a secret in it: `/-/pay/{env.RELAY_SECRET}`.
	Path string `json:"path"`
	relay.Options

	prefix, folded string
	server         *relay.Server
}

// provision resolves the path; its secret shows in no error.
func (l *Relay) provision(h *Handler) error {
	path, err := caddy.NewReplacer().ReplaceOrErr(l.Path, true, true)
	if err != nil {
		return fmt.Errorf("the path's placeholder is empty or unknown: it stands for a secret that only the shop knows")
	}
	u, err := url.ParseRequestURI(path)
	if err != nil || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || u.RawQuery != "" || strings.Trim(path, "/") == "" || strings.ContainsAny(path, "*{}# %") {
		return fmt.Errorf("the path must be one plain path such as /-/pay/{env.RELAY_SECRET}")
	}
	l.prefix = strings.TrimRight(path, "/")
	l.folded = folded(l.prefix)
	app, ok := h.app.(relay.App)
	if !ok {
		return fmt.Errorf("this build of the payments app has no relay")
	}
	l.server = &relay.Server{App: app, Options: l.Options, Own: h.calledFor, Upstreams: h.upstreamHosts}
	return l.server.Provision()
}

// hiddenBy returns the directive of a route to which no customer comes, because its path is
// the relay's or below it; the path itself may hold the relay's secret.
func (h *Handler) hiddenBy(l *Relay) string {
	hidden := func(path string) bool {
		path, _, _ = strings.Cut(path, "*")
		return inPath(strings.TrimRight(path, "/"), l.prefix)
	}
	switch {
	case slices.ContainsFunc(h.Checkout, func(c *Checkout) bool { return hidden(c.Path) }):
		return "checkout"
	case slices.ContainsFunc(h.Verify, func(v *Verify) bool { return slices.ContainsFunc(v.plain(), hidden) }):
		return "verify"
	case slices.ContainsFunc(h.Observe, func(o *Observe) bool { return slices.ContainsFunc(o.plain(), hidden) }):
		return "observe"
	}
	return ""
}

// relayed returns the relay that takes a request, and what is below its path.
//
// Its invariant: a request that names the relay's path, however that is spelt, is the
// relay's: neither the shop nor a log learns the secret in it. In another spelling it
// gets an answer that says so.
func (h *Handler) relayed(r *http.Request) (*Relay, string) {
	path := r.URL.EscapedPath()
	for _, l := range h.Relay {
		if n := len(l.prefix); inPath(path, l.prefix) {
			if path[:n] != l.prefix {
				return l, ""
			}
			return l, path[n:]
		}
	}
	for _, l := range h.Relay {
		if under(strings.ToLower(r.URL.Path), l.folded) {
			return l, "" // escaped where it need not be
		}
	}
	if !needsMatcher(r.URL.Path) {
		return nil, ""
	}
	for _, reading := range readings(r.URL.Path) {
		for _, l := range h.Relay {
			if under(reading, l.folded) {
				return l, ""
			}
		}
	}
	return nil, ""
}

// calledFor returns the site of a call under one of its own paths, and whether a create's
// callback leads to it.
func (h *Handler) calledFor(r *http.Request, callback *url.URL, provider string) (site relay.Site, leads bool) {
	s := h.siteOf(r)
	found := relay.Site{ID: s.id, Formerly: s.formerly(), Policy: engine.Policy{Once: true, Many: true}}
	if callback != nil {
		back := h.wayBack(r)
		if at, ok := h.callback(r.Context(), callback, provider, &back); ok {
			at.ID, at.Formerly = found.ID, found.Formerly
			return at, true
		}
		if h.sites == nil {
			return found, false
		}
		// Its www twin, or a name that redirects to it.
		if at, led, ok := h.sites.callback(r.Context(), callback, provider); ok && s.is(at.ID) {
			if at, ok = h.callback(r.Context(), led, provider, &back); ok {
				at.ID, at.Formerly = found.ID, found.Formerly
				return at, true
			}
		}
	}
	return found, false
}

// callback returns where a create's callback leads, if that is this site. back is known where
// the create came through the site itself.
//
// Invariant: a callback under the path of a shop leads to the route that takes its return,
// whatever takes the path off: a `handle_path`, or the proxy in front.
func (h *Handler) callback(ctx context.Context, u *url.URL, provider string, back *wayBack) (relay.Site, bool) {
	p := h.place()
	name := hostName(u.Host)
	o := origin{scheme: u.Scheme, host: name, port: otherPort(u.Scheme, u.Port())}
	var s site
	switch {
	case p.site == nil && p.hosts.takes(name):
		s = siteAt(p.named(u.Host)) // as its return will name it
	case p.site != nil && (p.hosts.takes(name) && !p.hosts.all || slices.ContainsFunc(p.site.names, func(id string) bool { return hostOf(id) == name })) &&
		leadsBelow(u.EscapedPath(), p.site.path):
		s = *p.site
	default:
		return relay.Site{}, false
	}
	found := relay.Site{ID: s.id, Formerly: s.formerly(), Policy: engine.Policy{Once: true, Many: true}}
	taken := s.path
	if back != nil {
		u, taken = without(u, back.front), back.stripped
	}
	uri := cmp.Or(u.EscapedPath(), "/")
	if u.RawQuery != "" {
		uri += "?" + u.RawQuery
	}
	ret := &payment.Return{Method: http.MethodGet, Secure: o.scheme == "https", Host: u.Host, URI: uri}
	for i, seen := range []*url.URL{u, without(u, taken)} {
		if i == 1 && back == nil && p.found && p.stripped == "" {
			ret.URI = seen.RequestURI() // nothing here takes the path off, so a proxy in front does
		}
		if ob := h.observing(ctx, seen, provider); ob != nil {
			found.Route, found.Return, found.Policy = ob.conf.name, ret, ob.policy()
			return found, true
		}
		for _, v := range h.Verify {
			if probe := probeOf(ctx, seen, h.server); v.Provider == provider && probe != nil {
				if ok, err := v.matches(probe, needsMatcher(seen.Path)); ok && err == nil {
					found.Route, found.Return, found.Policy = v.route.name, ret, v.policy()
					return found, true
				}
			}
		}
	}
	return found, true
}

// inPath reports whether a path is the prefix or below it, as Caddy's matchers compare them:
// in any case of letters.
func inPath(path, prefix string) bool {
	n := len(prefix)
	return len(path) >= n && strings.EqualFold(path[:n], prefix) && (len(path) == n || path[n] == '/')
}

// beyond returns what is left of an escaped path when Caddy, or a proxy that reads paths like
// it, takes a prefix off, and whether the path is the prefix or below it. Neither case, escapes,
// doubled slashes nor dot segments make another prefix of one.
func beyond(path, prefix string) (inner string, ok bool) {
	if prefix == "" {
		return path, true
	}
	path = caddyhttp.CleanPath(path, true)
	at := 0
	for range strings.Count(prefix, "/") {
		if at == len(path) {
			return "", false
		}
		if next := strings.IndexByte(path[at+1:], '/'); next >= 0 {
			at += 1 + next
		} else {
			at = len(path)
		}
	}
	head, err := url.PathUnescape(path[:at])
	if err != nil {
		return "", false
	}
	if plain, err := url.PathUnescape(prefix); err == nil {
		prefix = plain
	}
	return path[at:], strings.EqualFold(head, prefix)
}

// leadsBelow reports whether an escaped path is the prefix or below it.
func leadsBelow(path, prefix string) bool {
	_, ok := beyond(path, prefix)
	return ok
}

// without is an address as whoever comes behind what takes prefix off its path sees it; the
// address itself where it is not below that.
func without(u *url.URL, prefix string) *url.URL {
	inner, ok := beyond(u.EscapedPath(), prefix)
	if prefix == "" || !ok || inner == "" {
		return u
	}
	at := *u
	path, err := url.PathUnescape(inner)
	if err != nil {
		return u
	}
	at.Path, at.RawPath = path, inner
	return &at
}

// probeOf returns the request that a browser would make of an address.
func probeOf(ctx context.Context, u *url.URL, srv *caddyhttp.Server) *http.Request {
	target, err := url.ParseRequestURI(u.RequestURI())
	if err != nil {
		return nil
	}
	probe := (&http.Request{
		Method: http.MethodGet, URL: target, RequestURI: target.RequestURI(), Host: u.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header), Body: http.NoBody,
	}).WithContext(ctx)
	if u.Scheme == "https" {
		probe.TLS = new(tls.ConnectionState) // for `protocol`
	}
	return caddyhttp.PrepareRequest(probe, caddy.NewReplacer(), nil, srv)
}

// upstreamHosts returns the hosts of the site's own upstreams.
func (h *Handler) upstreamHosts() (hosts []string) {
	if h.server == nil {
		return nil
	}
	for _, p := range upstreams(h.server, h.place().tops) {
		for _, u := range p.Upstreams {
			if a, err := caddy.ParseNetworkAddress(u.Dial); err == nil && a.Host != "" {
				hosts = adding(hosts, a.Host)
			}
		}
	}
	return hosts
}

// Callback implements relay.App for the payments app: the site to which a create's
// callback leads.
//
// Its invariant: the site is the one that the callback's return will be of, which is the one
// whose address the callback carries furthest: host and port, then the longest path, then a
// name that is written before a wildcard. Only of equals is it the one with a route for it.
// A name that no site takes is the site's whose name it is with or without www, or to which
// this Caddy redirects it.
func (s *Sites) Callback(ctx context.Context, u *url.URL, provider string) (relay.Site, bool) {
	at, _, ok := s.callback(ctx, u, provider)
	return at, ok
}

// callback returns the address, too, that leads to the site in the end.
func (s *Sites) callback(ctx context.Context, u *url.URL, provider string) (at relay.Site, led *url.URL, ok bool) {
	for range 1 + mostRedirects {
		for _, led := range []*url.URL{u, twinOfWWW(u)} {
			if at, ok := s.leads(ctx, led, provider); ok {
				return at, led, true
			}
		}
		if u = s.redirected(ctx, u); u == nil {
			break
		}
	}
	return at, nil, false
}

// twinOfWWW is the same address at the same name with www, or without it where it has it: one
// of the two redirects to the other, as a rule.
func twinOfWWW(u *url.URL) *url.URL {
	at := *u
	if bare, ok := strings.CutPrefix(strings.ToLower(u.Host), "www."); ok {
		at.Host = bare
	} else {
		at.Host = "www." + u.Host
	}
	return &at
}

func (s *Sites) leads(ctx context.Context, u *url.URL, provider string) (best relay.Site, found bool) {
	if !properHost(hostName(u.Host)) {
		return best, false
	}
	var most carried
	for _, h := range s.all() {
		at, ok := h.callback(ctx, u, provider, nil)
		if !ok {
			continue
		}
		if c := h.carried(u, at); !found || c.compare(most) > 0 {
			best, most, found = at, c, true
		}
	}
	return best, found
}

// carried is how far an address carries the address of a site.
type carried struct {
	// authority is whether it has the site's host and port, path how long the path is that it
	// shares, written whether the site has a name of its own, routed whether a route takes it.
	authority       bool
	path            int
	written, routed bool
}

func (h *Handler) carried(u *url.URL, at relay.Site) carried {
	p := h.place()
	c := carried{written: p.site != nil, routed: at.Route != ""}
	if c.written {
		c.path = len(p.site.path)
	}
	own := portly(hostName(u.Host), otherPort(u.Scheme, u.Port()))
	c.authority = slices.ContainsFunc(append([]string{at.ID}, at.Formerly...), func(id string) bool {
		authority, _, _ := strings.Cut(id, "/")
		return authority == own
	})
	return c
}

func (c carried) compare(other carried) int {
	n := func(yes bool) int {
		if yes {
			return 1
		}
		return 0
	}
	return cmp.Or(n(c.authority)-n(other.authority), c.path-other.path, n(c.written)-n(other.written), n(c.routed)-n(other.routed))
}
