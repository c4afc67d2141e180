package handlers

import (
	"net/http"
	"strings"
)

// refusal is an answer that is not to go out, and the page that goes instead.
type refusal struct {
	page answerer
	// scratch is what the refused answer goes on to write its headers into:
	// trailers would be sent otherwise.
	scratch http.Header
	// shut: a gate refused it, not a fault.
	shut bool
}

// answerer writes one of our answers, or returns an error for the site's error
// routes.
type answerer func(w http.ResponseWriter, r *http.Request) error

// refuse keeps an answer back: its status, body, Location and validators are
// dropped, whatever else it writes goes nowhere and is reported as written, and
// page answers in its place when the chain has ended. cookies are what is kept
// of its Set-Cookie: all of them where the customer goes on in the same session,
// those of before the chain began where the answer was not theirs to see.
//
// It is for the time before the first byte: headerReader.answered. The first
// refusal counts.
func (f *filter) refuse(cookies []string, page answerer) {
	if f.refused != nil {
		return
	}
	forget(f.ResponseWriter.Header(), cookies)
	f.refused = &refusal{page: page, scratch: make(http.Header)}
}

// forget takes an answer that does not go out off its header. Its invariant: what
// that our page goes out with are its own, not the dropped answer's: no length,
// coding, validator or word to caches.
func forget(h http.Header, cookies []string) {
	for name := range h {
		if !outlives(name) {
			delete(h, name)
		}
	}
	delete(h, "Set-Cookie")
	if len(cookies) > 0 {
		h["Set-Cookie"] = cookies
	}
}

// outlives reports whether a header is the server's or the connection's rather
// than the refused answer's. What isn't known is the answer's.
func outlives(name string) bool {
	switch name {
	case "Server", "Alt-Svc", "Date", "Vary", "Strict-Transport-Security":
		return true
	}
	// Without these a script of another origin could not read why.
	return strings.HasPrefix(name, "Access-Control-")
}
