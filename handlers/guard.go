package handlers

import (
	"errors"
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
	if !begin(r, nil) {
		return next.ServeHTTP(w, r)
	}
	return newFilter(w).serve(next, r)
}

// errorGuard stands first among a server's error routes: a request that Caddy
// refuses before routing (a bad method, a bad host) has met no guard, and one
// whose delivery failed must not carry its headers into them.
//
// Error routes run when our filter of the request is gone. So it looks at the
// gates itself, at every path, because an error page may be a file: those of the
// sites that the request met or, where it was refused before it met any, those
// of all sites of the server.
type errorGuard struct{ sites []*Handler }

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (g *errorGuard) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	clearVerified(r)
	sites := met(r)
	unmet := sites == nil
	if unmet {
		sites = g.sites
		begin(r, nil)
	}
	scrub.Request(r)
	f := newFilter(w)
	f.guards(nil, r, passes{})
	f.sites, f.unmet = sites, unmet
	if said := w.Header().Get("Cache-Control"); strings.Contains(said, forBrowser) {
		f.caching = said // of an answer about one person, which failed
	}
	return f.serve(next, r)
}

// guardErrors puts the guard before error routes, once, and makes the site known
// to it. They are provisioned after the routes, so this is in time, but for named
// routes.
func guardErrors(errors *caddyhttp.HTTPErrorConfig, h *Handler) error {
	if errors == nil {
		return nil
	}
	late := false
	for _, route := range errors.Routes {
		for _, handler := range route.Handlers {
			if g, ok := handler.(*errorGuard); ok {
				g.sites = append(g.sites, h)
				return nil
			}
			late = true
		}
	}
	if late {
		return errLateGuard
	}
	front := caddyhttp.Route{Handlers: []caddyhttp.MiddlewareHandler{&errorGuard{sites: []*Handler{h}}}}
	errors.Routes = append(caddyhttp.RouteList{front}, errors.Routes...)
	return nil
}

var errLateGuard = errors.New("payments stands in a named route only, so the error routes of this server would have no guard: write an empty `payments` block into the site that invokes it")

// clearVerified takes headers and placeholders of a verified request away
// again. Which of our answers it was stays: error routes choose a page by it.
func clearVerified(r *http.Request) {
	scrub.Clear(r)
	caddyhttp.SetVar(r.Context(), paidVar, nil)
	if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		answer, _ := repl.GetString(placeholderPrefix + "answer")
		repl.DeleteByPrefix(placeholderPrefix)
		if answer != "" {
			repl.Set(placeholderPrefix+"answer", answer)
		}
	}
}

// Interface guard.
var _ caddyhttp.MiddlewareHandler = (*errorGuard)(nil)
