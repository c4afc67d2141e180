package handlers

import (
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/payment"
)

// mostHeader bounds each header that is kept of a visitor.
const mostHeader = 512

// visitorOf returns what the shop would learn of the visitor who made a request: a hand-over
// without its browser replays it. What a proxy says of the browser is kept only
// where the server trusts the proxy: replayed from its address, the server trusts
// it again.
func visitorOf(r *http.Request) *payment.Visitor {
	v := &payment.Visitor{
		Peer: r.RemoteAddr, TLS: r.TLS != nil,
		Agent: bounded(r.Header.Get("User-Agent")), Languages: bounded(r.Header.Get("Accept-Language")),
	}
	if trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool); trusted {
		v.For = bounded(strings.Join(r.Header["X-Forwarded-For"], ", "))
		v.Proto, v.Host = bounded(lastOf(r.Header["X-Forwarded-Proto"])), bounded(lastOf(r.Header["X-Forwarded-Host"]))
	}
	return v
}

// bounded returns a header's value, or nothing if it is too long to be kept.
func bounded(s string) string {
	if len(s) > mostHeader {
		return ""
	}
	return s
}

func lastOf(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[len(lines)-1]
}

// nobody is the peer of a hand-over whose visitor is not known: an address for
// documents, which no list of trusted or private ones has.
const nobody = "192.0.2.1:0"

// replay gives our own request what the shop would have learned of its
// visitor.
func replay(r *http.Request, v *payment.Visitor) {
	r.RemoteAddr = nobody
	r.Header.Set("User-Agent", payment.Agent)
	if v == nil {
		return
	}
	if v.Peer != "" {
		r.RemoteAddr = v.Peer
	}
	for name, value := range map[string]string{
		"X-Forwarded-For": v.For, "X-Forwarded-Proto": v.Proto, "X-Forwarded-Host": v.Host,
		"User-Agent": v.Agent, "Accept-Language": v.Languages,
	} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
}
