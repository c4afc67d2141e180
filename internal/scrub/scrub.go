// Package scrub removes from a request what a client must not say: headers that only
// this module sets, trailers, and Connection lists that would make the last hop remove
// our headers.
package scrub

import (
	"net/http"
	"strings"
)

// Request removes every X-Payment-* header of the client's, however it is
// spelt, all trailers, the Proxy header (httpoxy), what Connection lists
// beyond close, keep-alive, upgrade and te, and every Upgrade but to a WebSocket: requests
// inside another protocol (h2c) would pass neither a gate nor this. It returns how many X-Payment-*
// headers there were: a sign of somebody who tries. It allocates nothing where
// there is nothing to remove.
func Request(r *http.Request) int {
	Trailers(r)
	n := 0
	for name := range r.Header {
		if !suspect(name) {
			continue
		}
		switch {
		case Ours(name):
			delete(r.Header, name)
			n++
		case strings.EqualFold(name, "connection"):
			connection(r.Header, name)
		case strings.EqualFold(name, "trailer"), strings.EqualFold(name, "proxy"):
			delete(r.Header, name)
		case strings.EqualFold(name, "upgrade"):
			if v := r.Header[name]; len(v) != 1 || !strings.EqualFold(v[0], "websocket") {
				delete(r.Header, name)
			}
		}
	}
	return n
}

// Routing removes what some frameworks route by instead of the path
// (X-Original-URL and X-Rewrite-URL, however they are spelt): with it a client
// names one path to us and another to the shop. They are a rewriting proxy's to
// set, so those of a trusted one stay.
func Routing(r *http.Request) {
	for name := range r.Header {
		if len(name) > 12 && lower(name[0]) == 'x' && (same(name, "x-original-url") || same(name, "x-rewrite-url")) {
			delete(r.Header, name)
		}
	}
}

// same compares a name with a lower-case one, any separator counting as "-".
func same(name, want string) bool {
	if len(name) != len(want) {
		return false
	}
	for i := range len(name) {
		if c := lower(name[i]); c != want[i] && (alnum(c) || want[i] != '-') {
			return false
		}
	}
	return true
}

// suspect reports, by the first byte alone, whether Request may have to do
// anything about a header.
func suspect(name string) bool {
	if name == "" {
		return true
	}
	switch c := lower(name[0]); c {
	case 'x', 'c', 't', 'p', 'u':
		return true
	default:
		return !alnum(c)
	}
}

// Clear removes our headers again, for a verified request that goes into error
// routes.
func Clear(r *http.Request) {
	for name := range r.Header {
		if Ours(name) {
			delete(r.Header, name)
		}
	}
}

// Trailers drops all trailers of a request. Deleting single names does not
// hold: net/http fills the map again at the end of the body. For the same
// reason whoever reads a body to its end calls this once more.
func Trailers(r *http.Request) { r.Trailer = nil }

// Response removes our headers from an answer of the shop's, its trailers
// included.
func Response(h http.Header) {
	for name := range h {
		if Ours(strings.TrimPrefix(name, http.TrailerPrefix)) {
			delete(h, name)
		}
	}
}
