package handlers

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

// place is where a site stands: known once all of the http app is provisioned.
type place struct {
	// id names the site in records: its public origin's host, its first host, or
	// its port.
	id string
	// host is what requests of ours are made for; empty on a site that answers
	// to any name.
	host string
	// origin is scheme and host as browsers see them, empty where only the
	// request can tell.
	origin string
	// secure is whether the server speaks TLS.
	secure bool
	// proxied is whether the site hands requests to an upstream at all.
	proxied bool
	// gates are the upstreams that are asked before the shop (forward_auth); true
	// are those that are the shop's as well.
	gates map[string]bool
}

// ErrOrigin is wrapped by errors about an origin.
var ErrOrigin = errors.New("must be an origin such as https://shop.example.com")

// ParseOrigin reads scheme and host, nothing else.
func ParseOrigin(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, ErrOrigin
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// LoadKeys resolves configured keys. Errors name no value.
func LoadKeys(configured []SigningKey, log *zap.Logger) (*token.Keys, error) {
	keys := make([]payment.SigningKey, 0, len(configured))
	for i, c := range configured {
		secret, err := caddy.NewReplacer().ReplaceOrErr(c.Secret, true, true)
		if err != nil {
			return nil, fmt.Errorf("signing_key %d: the secret is empty or its placeholder is unknown", i+1)
		}
		if !strings.Contains(c.Secret, "{") {
			log.Warn("signing_key is written out in the configuration, where Caddy shows it; write {env.NAME} or {file./path}")
		}
		key, err := payment.NewSigningKey([]byte(strings.TrimRight(secret, "\r\n")), c.KID)
		if err != nil {
			return nil, fmt.Errorf("signing_key %d: %w", i+1, err)
		}
		keys = append(keys, key)
	}
	return token.NewKeys(keys...)
}

// locate finds out where the site stands.
func (h *Handler) locate() {
	p := place{secure: h.server != nil && len(h.server.TLSConnPolicies) > 0}
	var hosts []string
	if h.server != nil {
		hosts, p.proxied = findSite(h.server.Routes, h, nil)
		p.gates = gates(upstreams(siteRoutes(h)))
	}
	for _, name := range hosts {
		if !strings.ContainsAny(name, "*{") {
			p.host = name
			break
		}
	}
	port := listenPort(h.server)
	standard := port == "" || p.secure && port == "443" || !p.secure && port == "80"
	switch {
	case p.host == "":
	case standard:
		p.origin = p.scheme() + "://" + p.host
	default:
		p.host = net.JoinHostPort(p.host, port)
		p.origin = p.scheme() + "://" + p.host
	}
	p.id = p.host
	for _, configured := range []string{h.PublicURL, h.app.Origin()} {
		if u, err := ParseOrigin(configured); err == nil && configured != "" {
			p.origin = u.String()
			if configured == h.PublicURL {
				p.id = u.Host
			}
			break
		}
	}
	if p.id == "" {
		p.id = ":" + port
	}
	h.placed.Store(&p)
}

// place is where the site stands. Apps start in any order, so requests may be
// here before ours has placed the sites; all of http is provisioned by then.
func (h *Handler) place() *place {
	p := h.placed.Load()
	if p == nil {
		h.locate()
		p = h.placed.Load()
	}
	return p
}

func (p place) scheme() string {
	if p.secure {
		return "https"
	}
	return "http"
}

func listenPort(srv *caddyhttp.Server) string {
	if srv == nil || len(srv.Listen) == 0 {
		return ""
	}
	addr, err := caddy.ParseNetworkAddress(srv.Listen[0])
	if err != nil || addr.StartPort == 0 {
		return ""
	}
	return fmt.Sprint(addr.StartPort)
}

// findSite walks the routes to the one that holds h and returns the hosts that
// lead there, and whether that route has an upstream.
func findSite(routes caddyhttp.RouteList, h *Handler, hosts []string) (found []string, proxied bool) {
	for _, route := range routes {
		here := slices.Concat(hosts, hostsOf(route))
		for _, handler := range route.Handlers {
			if handler == caddyhttp.MiddlewareHandler(h) {
				return nonNil(here), hasUpstream(routes)
			}
			sub, ok := handler.(*caddyhttp.Subroute)
			if !ok {
				continue
			}
			if found, proxied = findSite(sub.Routes, h, here); found != nil {
				return found, proxied || hasUpstream(routes)
			}
		}
	}
	return nil, false
}

func nonNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// site is one shop, as its customers name it: what records, cookies, references,
// signatures, uniqueness and the receipt's audience go by.
type site struct {
	// id names it: see [Handler.siteOf].
	id string
}

// siteOf is the shop that a request is for. It is the only place that says so.
func (h *Handler) siteOf(*http.Request) site { return site{id: h.place().id} }

// owns reports whether a record's site is one that this handler serves.
func (h *Handler) owns(id string) bool { return h.place().id == id }

// originOf is the site's origin as this browser sees it.
func (h *Handler) originOf(r *http.Request) string {
	if h.place().origin != "" {
		return h.place().origin
	}
	scheme := "http"
	if h.secureView(r) {
		scheme = "https"
	}
	return scheme + "://" + safeHost(r.Host)
}

// safeHost keeps a client's Host only if it can be nothing but a host.
func safeHost(host string) string {
	for i := range len(host) {
		c := host[i]
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == ':' || c == '[' || c == ']'
		if !ok {
			return "localhost"
		}
	}
	return host
}

// secureView reports whether the browser's connection is https: ours, the
// configured origin's, or that of a trusted proxy in front.
func (h *Handler) secureView(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	if strings.HasPrefix(h.place().origin, "https://") && (h.PublicURL != "" || h.app.Origin() != "") {
		return true
	}
	trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool)
	return trusted && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// client is what strangers are counted by.
func client(r *http.Request) string {
	addr, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	if addr == "" {
		addr, _, _ = net.SplitHostPort(r.RemoteAddr)
	}
	ip := net.ParseIP(addr)
	if ip == nil || ip.To4() != nil {
		return addr
	}
	return ip.Mask(net.CIDRMask(64, 128)).String()
}
