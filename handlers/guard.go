package handlers

import (
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/internal/scrub"
)

// guardedVar marks a request that a guard has seen.
const guardedVar = "payments.guarded"

// placeholderPrefix is the namespace of our placeholders.
const placeholderPrefix = "http.payments."

// emptyPlaceholders defines all our placeholders as empty: one that is not
// defined would be forwarded literally. What a verified request sets goes
// before it.
func emptyPlaceholders(key string) (any, bool) {
	return "", strings.HasPrefix(key, placeholderPrefix)
}

// guard is all that a site without the payments app gets.
func guard(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if !begin(r) {
		return next.ServeHTTP(w, r)
	}
	return newFilter(w).serve(next, r)
}

// errorGuard stands first among a server's error routes: a request that Caddy
// refuses before routing (a bad method, a bad host) has met no guard, and one
// whose delivery failed must not carry its headers into them.
type errorGuard struct{}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (errorGuard) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	clearVerified(r)
	scrub.Request(r)
	caddyhttp.SetVar(r.Context(), guardedVar, true)
	if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		repl.Map(emptyPlaceholders)
	}
	return newFilter(w).serve(next, r)
}

// guardErrors puts the guard before a server's error routes, once. They are
// provisioned after the routes, so this is in time.
func guardErrors(srv *caddyhttp.Server) {
	if srv.Errors == nil {
		return
	}
	for _, route := range srv.Errors.Routes {
		for _, h := range route.Handlers {
			if _, ok := h.(errorGuard); ok {
				return
			}
		}
	}
	front := caddyhttp.Route{Handlers: []caddyhttp.MiddlewareHandler{errorGuard{}}}
	srv.Errors.Routes = append(caddyhttp.RouteList{front}, srv.Errors.Routes...)
}

// clearVerified takes headers and placeholders of a verified request away
// again. Which answer of ours it was stays: error routes choose a page by it.
func clearVerified(r *http.Request) {
	scrub.Clear(r)
	if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		answer, _ := repl.GetString(placeholderPrefix + "answer")
		repl.DeleteByPrefix(placeholderPrefix)
		if answer != "" {
			repl.Set(placeholderPrefix+"answer", answer)
		}
	}
}

// Interface guard.
var _ caddyhttp.MiddlewareHandler = errorGuard{}
