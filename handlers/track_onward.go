package handlers

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/internal/track"
)

// onward is a visit that stood in a request's path, for a redirect that leads away from
// the host that took it off.
type onward struct {
	// query is the visit as a query has it.
	query string
	// uri is the address that was left, before anything behind us could rewrite it.
	uri string
}

// onward returns the visit that was taken off a request's path, nil without a clear one.
// It asks neither who opens the page nor whether this host keeps the visit: the same
// address is answered by the same redirect, and the next host asks for itself.
func (h *Handler) onward(r *http.Request, forms map[string][]string, needsMatcher bool) (*onward, error) {
	if len(forms) == 0 || r.Method != http.MethodGet && r.Method != http.MethodHead || h.fromProvider(whole(r.URL.RawQuery, forms)) {
		return nil, nil
	}
	bank, err := h.forReturns(r, needsMatcher)
	if err != nil || bank {
		return nil, err
	}
	var pairs []string
	for _, t := range h.Track {
		c := &t.conf
		id, ok := track.Find(r.URL.RawQuery, forms[c.param], c.param, c.pattern)
		if _, n, _ := params.Value(r.URL.RawQuery, c.param); ok && n == 0 { // else the query carries it by itself
			pairs = adding(pairs, c.param+"="+url.QueryEscape(id))
		}
	}
	if len(pairs) == 0 {
		return nil, nil
	}
	return &onward{query: strings.Join(pairs, "&"), uri: r.URL.RequestURI()}, nil
}

// whole writes what a link's forms and its query say as one query: a gateway's return is
// one wherever its parameters stand.
func whole(rawQuery string, forms map[string][]string) string {
	for param, values := range forms {
		for _, value := range values {
			rawQuery += "&" + param + "=" + value
		}
	}
	return rawQuery
}

// leadOn puts the visit into the address of a redirect that carries the request on to
// another host or scheme, where our cookie doesn't go. Such an answer is the visitor's own.
//
// Invariant: a visit that was taken off a path is known on the host on which the visitor
// ends, as long as that is a host of ours; no other host learns of it.
func (f *watcher) leadOn(status int, header http.Header) {
	if status < 300 || status > 399 || len(header["Location"]) != 1 {
		return
	}
	location := header["Location"][0]
	to, err := url.Parse(location)
	if err != nil || to.Host == "" || to.User != nil || to.Scheme != "" && to.Scheme != "http" && to.Scheme != "https" {
		return
	}
	_, rest, _ := strings.Cut(location, "//")
	at := strings.IndexAny(rest+"/", "/?#")
	if !f.carriesOn(rest[at:]) || !f.h.leaves(f.r, to) || !f.h.knows(f.r, hostName(to.Host)) {
		return
	}
	if p, _ := f.h.pageAt(to); p != nil {
		return
	}
	address, fragment, cut := strings.Cut(location, "#")
	address, query, _ := strings.Cut(address, "?")
	address += "?" + f.visit.query
	if query != "" {
		address += "&" + query
	}
	if cut {
		address += "#" + fragment
	}
	header["Location"] = []string{address}
	if f.caching == "" {
		f.caching = forBrowser
	}
}

// carriesOn reports whether an address of a redirect, without its host, is that of the
// request: as we left it, as it was rewritten, or as the browser sent it. Shops add the
// last slash on the same way, which went with the form.
func (f *watcher) carriesOn(uri string) bool {
	uri, _, _ = strings.Cut(uri, "#")
	uri = slashless(uri)
	if uri == slashless(f.visit.uri) || uri == slashless(f.u.RequestURI()) {
		return true
	}
	original, ok := f.r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request)
	return ok && original.URL != nil && uri == slashless(original.URL.RequestURI())
}

// slashless is an address of a host without the last slash of its path, and without the
// mark of an empty query.
func slashless(uri string) string {
	path, query, _ := strings.Cut(uri, "?")
	return strings.TrimSuffix(path, "/") + "?" + query
}

// leaves reports whether an address is of another host, port or scheme than the request.
// That the site is https by its public_url says nothing here: the redirect to https is
// what makes it so.
func (h *Handler) leaves(r *http.Request, to *url.URL) bool {
	scheme := "http"
	if cameSecure(r) {
		scheme = "https"
	}
	if to.Scheme != "" && to.Scheme != scheme || hostName(to.Host) != hostName(r.Host) {
		return true
	}
	_, port := splitHost(r.Host)
	return otherPort(scheme, port) != otherPort(scheme, to.Port())
}

// knows reports whether a name, or its www twin, is one of this site, or of another site
// here that keeps visits.
func (h *Handler) knows(r *http.Request, name string) bool {
	twin, ok := strings.CutPrefix(name, "www.")
	if !ok {
		twin = "www." + name
	}
	if came := hostName(r.Host); came == name || came == twin || h.isCalled(name) || h.isCalled(twin) {
		return true
	}
	return h.sites != nil && slices.ContainsFunc(h.sites.all(), func(other *Handler) bool {
		return len(other.Track) > 0 && other.isCalled(name)
	})
}

// isCalled reports whether a site's block or its public_url says that name. A block for
// all names says none.
func (h *Handler) isCalled(name string) bool {
	p := h.place()
	if p.site != nil && slices.ContainsFunc(p.site.names, func(id string) bool {
		authority, _, _ := strings.Cut(id, "/")
		return hostName(authority) == name
	}) {
		return true
	}
	named := hosts{names: p.hosts.names, patterns: slices.DeleteFunc(slices.Clone(p.hosts.patterns), func(pattern string) bool { return pattern == "*{" })}
	return named.takes(name)
}
