package handlers

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/internal/pages"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

// site is one shop, as its customers name it: what records, cookies, references,
// signatures, uniqueness and the receipt's audience go by. Two requests have the
// same site if and only if their browsers named the same shop; where in the
// configuration the handler stands says nothing about it.
type site struct {
	// id names it in records: host, port unless it is the scheme's, path.
	id string
	// origin is where its browsers find it: scheme and id.
	origin string
	// path is that of its public_url; empty if the shop has its host to itself.
	path string
	// names are the ids that it goes by: its own first, then those that it had
	// formerly.
	names []string
	// origins are the same as origins, for signatures.
	origins []string
}

// is reports whether a record's site is this one.
func (s site) is(id string) bool { return slices.Contains(s.names, id) }

// formerly returns the ids that the site had before.
func (s site) formerly() []string {
	if len(s.names) < 2 {
		return nil
	}
	return s.names[1:]
}

func siteAt(o origin) site {
	s := site{id: o.id(), origin: o.String(), path: o.path}
	s.names, s.origins = []string{s.id}, []string{s.origin}
	return s
}

// readSigned reads what the shop has signed, under its address or an earlier one.
func (s site) readSigned(get func(string) string, v *Verify, keys [][]byte) (signed payment.Signed, err error) {
	for i, origin := range s.origins {
		got, wrong := payment.ReadSigned(get, origin, v.name(), v.Provider, keys)
		if wrong == nil {
			return got, nil
		}
		if i == 0 {
			err = wrong // of the address that the shop has now
		}
	}
	return payment.Signed{}, err
}

// siteOf returns the shop that a request is for. It is the only place that says so.
func (h *Handler) siteOf(r *http.Request) site {
	p := h.place()
	if p.site != nil {
		return *p.site
	}
	s := siteAt(p.named(r.Host))
	if !p.secure && h.secureView(r) {
		s.origin = "https" + strings.TrimPrefix(s.origin, "http")
		s.origins[0] = s.origin
	}
	return s
}

// errNameless: the request's Host is no name, so that it is no shop's.
var errNameless = errors.New("the request's Host is no host name")

// nameless reports whether the request's host would say which shop it is for, and is no
// host name. Nothing is recorded and no gateway is asked under it: a stranger could have
// each gateway refuse such an address as often as they like.
func (h *Handler) nameless(r *http.Request) bool {
	return h.place().site == nil && !properHost(hostName(r.Host))
}

// refuseNameless answers such a request.
func (h *Handler) refuseNameless(w http.ResponseWriter, r *http.Request) error {
	return h.write(w, r, pages.Page{Kind: pages.NotFound, Status: http.StatusBadRequest}, errNameless)
}

// named returns the origin that a request's host names where the configuration leaves
// it to the request.
func (p *place) named(hostport string) origin {
	name := hostName(hostport)
	scheme := p.scheme
	if p.twins.takes(name) {
		scheme = "https"
	}
	if raw, _ := splitHost(hostport); strings.HasSuffix(raw, ".") && p.others.takes(name) {
		// Caddy sends `shop.test.` past the site shop.test: whatever takes it
		// instead is not that shop.
		name += "."
	}
	return origin{scheme: scheme, host: p.hosts.shop(name), port: p.port}
}

// owns reports whether a record's site is one that this handler serves.
func (h *Handler) owns(id string) bool {
	p := h.place()
	if p.site != nil {
		return p.site.is(id)
	}
	name, port := splitHost(id)
	if strings.ContainsRune(id, '/') || port != p.port {
		return false
	}
	return p.hosts.takes(hostName(name)) && p.named(name).id() == id
}

// originOf returns the site's origin as browsers see it.
func (h *Handler) originOf(r *http.Request) string {
	if p := h.place(); !p.public && p.port != "" {
		if _, port := splitHost(r.Host); port != p.port && r.Pattern != workerPattern {
			p.mapped.Store(true)
		}
	}
	return h.siteOf(r).origin
}

// secureView reports whether the browser's connection is https: ours, that of
// public_url, or that of a trusted proxy in front.
func (h *Handler) secureView(r *http.Request) bool {
	if cameSecure(r) {
		return true
	}
	p := h.place()
	return p.public && strings.HasPrefix(p.site.origin, "https://")
}

// cameSecure reports whether the browser's connection is https as far as the request
// tells: ours, or that of a trusted proxy in front.
func cameSecure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool)
	return trusted && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// view returns what a browser must be shown, and shows, for a cookie to be of this
// site.
func (h *Handler) view(r *http.Request) token.View {
	v := token.View{Secure: h.secureView(r)}
	if p := h.place(); p.site != nil {
		v.Path = p.site.path
	}
	return v
}

// wayBack makes addresses that browsers come back by.
type wayBack struct {
	// origin begins each of them; stripped is what a `handle_path` or a `uri`
	// has taken off the path before the handler saw it, and front what a proxy in
	// front has.
	origin, front, stripped string
	host                    string
	secure                  bool
}

// wayBack returns how the browser of this request can be sent to a path of the
// handler's, which other paths than the handler sees may lead to.
//
// Invariant: what is put before a path of the handler's begins with one slash, has no empty
// and no dot segment, and leads to the handler, however the browser spelt its own request:
// Caddy takes a prefix off any spelling of it, and leaves a path without these.
func (h *Handler) wayBack(r *http.Request) wayBack {
	s, p := h.siteOf(r), h.place()
	b := wayBack{origin: strings.TrimSuffix(h.originOf(r), s.path), host: h.hostFor(r.Host, s.id)}
	b.secure = strings.HasPrefix(s.origin, "https://")
	came := r.URL.Path
	if orig, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && orig.URL != nil {
		came = orig.URL.Path
	}
	came = caddyhttp.CleanPath(came, true)
	if rest, ok := strings.CutSuffix(came, caddyhttp.CleanPath(r.URL.Path, true)); ok {
		b.stripped = (&url.URL{Path: rest}).EscapedPath()
	} else if p.stripped != "" && inPath(came, p.stripped) {
		// Something else has changed the path as well, if only by the slash of `/s1`.
		b.stripped = (&url.URL{Path: came[:len(p.stripped)]}).EscapedPath()
	}
	if !inPath(came, s.path) {
		b.front = s.path
		if n := len(s.path) - len(b.stripped); n >= 0 && strings.EqualFold(s.path[n:], b.stripped) {
			b.front = s.path[:n] // the rest is taken off here
		}
	}
	return b
}

// address returns where a browser finds the handler's path.
func (b wayBack) address(uri string) string { return b.origin + b.front + b.stripped + uri }

// home returns the shop's own first page, as browsers find it: it has its host to
// itself, or the path of its public_url.
func (h *Handler) home(r *http.Request) string {
	if h.Brand != nil && h.Brand.Home != "" {
		return h.siteOf(r).path + h.Brand.Home
	}
	return h.siteOf(r).path + "/"
}

// linked returns where browsers find one of the handler's own paths: an address of this
// host, as it stands in a page or a header.
func (h *Handler) linked(r *http.Request, path string) string {
	if !strings.HasPrefix(path, "/") {
		return path // none, or an address
	}
	back := h.wayBack(r)
	return sameHost(back.front + back.stripped + path)
}

// asReturn returns what this server gets when a browser goes to one of our addresses.
func (b wayBack) asReturn(address string) payment.Return {
	return payment.Return{
		Method: http.MethodGet, Secure: b.secure, Host: b.host,
		URI: strings.TrimPrefix(strings.TrimPrefix(address, b.origin), b.front),
	}
}

// under reports whether a path is the prefix or below it.
func under(path, prefix string) bool {
	rest, ok := strings.CutPrefix(path, prefix)
	return ok && (rest == "" || rest[0] == '/')
}

// hostFor returns a Host that leads our own request to a site of this handler: the
// one that is known, if it does, else the site's own.
func (h *Handler) hostFor(known, id string) string {
	p := h.place()
	switch {
	case p.site == nil:
		// Many shops: no other than the record's own.
		if o := p.named(known); p.hosts.takes(hostName(known)) && o.id() == id {
			return known
		}
		return id
	case known != "" && p.hosts.takes(hostName(known)):
		return known
	case p.host != "":
		return p.host
	}
	return known
}
