package handlers

import (
	"net/http"
	"strings"
)

// What answers about one person say to caches, at least.
const (
	// forBrowser: a page that sets a cookie may stay in its browser's own cache.
	forBrowser = "private"
	// forNobody: paid content, and what is said about a payment.
	forNobody = "private, no-store"
)

// privately keeps an answer about one person out of every cache but, with
// [forBrowser], the browser's own.
//
// Its invariant: afterwards nothing in the header tells any cache to keep the
// answer, in any dialect that is known, and what forbade more than least does
// still stands there.
func privately(h http.Header, least string) {
	text := least
	for _, line := range h["Cache-Control"] {
		for word := range strings.SplitSeq(strings.ToLower(line), ",") {
			switch word = strings.Trim(word, " \t"); word {
			case "no-store", "no-cache", "must-revalidate", "no-transform":
				if !strings.Contains(text, word) {
					text += ", " + word
				}
			}
		}
	}
	h["Cache-Control"] = []string{text}
	for name := range h {
		if keeping(name) {
			delete(h, name)
		}
	}
}

// keeping reports whether a header is one by which an origin tells caches how
// long to keep an answer: HTTP/1.0's, those of proxies and networks, and the
// targeted ones of RFC 9213, whose names end in Cache-Control. Tags by which
// caches purge (Surrogate-Key, Cache-Tag) keep nothing.
func keeping(name string) bool {
	switch name {
	case "Expires", "Age", "Surrogate-Control", "Edge-Control", "X-Accel-Expires", "X-Cache-Ttl", "X-Proxy-Cache-Ttl", "X-Varnish-Ttl":
		return true
	case "Cache-Control":
		return false
	}
	return strings.HasSuffix(name, "Cache-Control")
}
