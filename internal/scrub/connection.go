package scrub

import (
	"net/http"
	"slices"
	"strings"
)

// hops are the connection options that may stay: those that Go's server,
// Caddy's reverse proxy and WebSockets need. Any other names a header that the
// next hop would remove, which is how a client could take away ours, or the
// Content-Type of the return.
var hops = [...]string{"close", "keep-alive", "upgrade", "te"}

// connection cleans the named Connection header.
func connection(h http.Header, name string) {
	values := h[name]
	if clean(values) {
		return
	}
	var keep []string
	for _, v := range values {
		for token := range strings.SplitSeq(v, ",") {
			if hop := allowed(token); hop != "" && !slices.Contains(keep, hop) {
				keep = append(keep, hop)
			}
		}
	}
	if len(keep) == 0 {
		delete(h, name)
		return
	}
	h[name] = []string{strings.Join(keep, ", ")}
}

// clean reports whether nothing has to go.
func clean(values []string) bool {
	for _, v := range values {
		for v != "" {
			token, rest, _ := strings.Cut(v, ",")
			if allowed(token) == "" {
				return false
			}
			v = rest
		}
	}
	return true
}

// allowed gives the canonical form of an option that may stay, else "".
func allowed(token string) string {
	token = strings.Trim(token, " \t")
	for _, hop := range hops {
		if len(token) == len(hop) && strings.EqualFold(token, hop) { // other letters fold to k and s, too
			return hop
		}
	}
	return ""
}
