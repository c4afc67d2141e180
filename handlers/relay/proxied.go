package relay

import (
	"net/http"
	"slices"
	"strings"
)

// proxied returns the name of a header by which a proxy tells that it passes a request on,
// or "". No plugin sends such a header itself.
//
// Invariant: a call that bears any of them doesn't count as one of this machine, unless the
// server trusts the proxy. Names are compared by folded spelling.
func proxied(h http.Header) string {
	for name, values := range h {
		if len(values) > 0 && tellsOfProxy(name) {
			return name
		}
	}
	return ""
}

func tellsOfProxy(name string) bool {
	name = strings.ToLower(strings.ReplaceAll(name, "_", "-"))
	if slices.Contains([]string{"via", "forwarded", "x-host", "x-original-host", "cdn-loop", "x-proxyuser-ip"}, name) {
		return true
	}
	for _, prefix := range []string{"x-forwarded", "forwarded-", "x-original-forwarded", "x-envoy-", "cf-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	// X-Real-IP, CF-Connecting-IP, True-Client-IP, X-Azure-ClientIP and whatever else
	// names the client's address.
	return strings.HasSuffix(name, "-ip") || strings.HasSuffix(name, "-clientip") || strings.HasSuffix(name, "client-address")
}
