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

// emptyPlaceholders defines all our placeholders as empty, because an undefined one would be
// forwarded literally. The values of a verified request take precedence.
func emptyPlaceholders(key string) (any, bool) {
	return "", strings.HasPrefix(key, placeholderPrefix)
}

// guard serves a site without the payments app.
func guard(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if !begin(r, nil) {
		return next.ServeHTTP(w, r)
	}
	return newFilter(w).serve(next, r)
}

// errorGuard is the first of a server's error routes. A request that Caddy refuses before
// routing (a bad method, a bad host) has passed no guard, and a request whose delivery
// failed must not carry its headers into the error routes.
//
// Our filter of the request does not run in error routes. So errorGuard asks the gates
// itself, for every path, because an error page may be a file. It asks the gates of the
// sites that the request has met or, if it met none, those of all sites of the server.
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

// guardErrors puts the guard before error routes, once, and tells it of the site. Error routes
// are provisioned after the routes, so this is early enough, except for named routes.
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

var errLateGuard = errors.New("payments is in a named route only, so the error routes of this server would have no guard: write an empty `payments` block into the site that invokes it")

// clearVerified removes the headers and placeholders of a verified request again. The
// placeholder that names our answer stays, because error routes choose a page by it.
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
