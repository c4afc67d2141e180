package track

import (
	"net/http"
	"strings"
)

// TopLevelGET reports whether a person's browser opens a page: not an image or
// a script, not a frame, not a prefetch, not a part of a download. A browser
// that sends no fetch metadata is believed.
func TopLevelGET(r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	h := r.Header
	return only(h["Sec-Fetch-Dest"], "document") &&
		only(h["Sec-Fetch-Mode"], "navigate") &&
		!fetchedAhead(h["Sec-Purpose"]) && !fetchedAhead(h["Purpose"]) &&
		!fetchedAhead(h["X-Purpose"]) && !fetchedAhead(h["X-Moz"]) &&
		len(h["Range"]) == 0
}

func only(values []string, want string) bool {
	for _, v := range values {
		if v != want {
			return false
		}
	}
	return true
}

// Prefetched reports whether the browser asks ahead of the person. Such a
// request never claims a payment and never counts as a visit.
func Prefetched(r *http.Request) bool {
	h := r.Header
	return fetchedAhead(h["Sec-Purpose"]) || fetchedAhead(h["Purpose"]) ||
		fetchedAhead(h["X-Purpose"]) || fetchedAhead(h["X-Moz"])
}

// fetchedAhead reports whether a purpose header says prefetch, prerender or
// preview.
func fetchedAhead(values []string) bool {
	for _, v := range values {
		if strings.Contains(v, "prefetch") || strings.Contains(v, "prerender") || strings.Contains(v, "preview") {
			return true
		}
	}
	return false
}

// MightCarry is the cheap first look: whether a link's parameter may be in the
// address. It allocates nothing.
func MightCarry(r *http.Request, param string) bool {
	if q := r.URL.RawQuery; len(q) > len(param) && strings.Contains(q, param) {
		return true
	}
	_, _, found := cutSegment(r.URL.Path, param)
	return found
}
