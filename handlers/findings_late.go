package handlers

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/fileserver"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy/fastcgi"
)

// late finds sites whose requests are answered before our handler sees them: returns pass
// unverified there, and forged headers with them. Either everything is
// (`route { file_server; payments … }`), or a path of ours is (`handle /pay/* { php_fastcgi … }` before the block that verifies /pay/back).
//
// Invariant: a path that one of our blocks names reaches the block, or the owner was told.
func late(handlers []*Handler) (out []Finding) {
	for _, h := range handlers {
		if h.server == nil {
			continue
		}
		f := Finding{Code: "late", Where: h.place().shopName()}
		switch path, by := h.answeredBefore(); {
		case by != "" && path == "":
			f.Text = "`payments` comes after " + by +
				" in a `route`: what that answers is seen by no guard and no verify, returns from the bank included; write `payments` outside of `route`, or first in it"
		case by != "":
			f.Text = fmt.Sprintf("%s answers %s before `payments`, which names this path, sees it: no guard and no verify is asked there; write `payments` once, directly in the site's block, outside of `handle` and `route`", by, path)
		}
		if f.Text != "" {
			out = adding(out, f)
		}
	}
	return out
}

// answeredBefore returns what answers before the block, and the first path that the block
// names and that answers; no path where it answers everything.
func (h *Handler) answeredBefore() (path, by string) {
	defer func() {
		if recover() != nil {
			path, by = "", "" // a matcher that can't be asked here says nothing
		}
	}()
	script := h.asking("/index.php")
	if by = (asker{script: script}).before(h.server.Routes, h); by != "" {
		return "", by
	}
	for _, p := range h.namedPaths() {
		// A path that ends in a wildcard stands for all below it.
		if strings.ContainsAny(strings.TrimSuffix(p, "*"), "*{") {
			continue
		}
		r := h.asking(strings.TrimSuffix(p, "*"))
		if r == nil {
			continue
		}
		if by = (asker{r, script}).before(h.server.Routes, h); by != "" {
			return p, by
		}
	}
	return "", ""
}

// namedPaths are the paths that the block's lines name.
func (h *Handler) namedPaths() (paths []string) {
	for _, v := range h.Verify {
		paths = append(paths, v.Paths...)
	}
	for _, o := range h.Observe {
		paths = append(paths, o.Paths...)
	}
	for _, q := range h.Require {
		paths = append(paths, q.Paths...)
	}
	for _, c := range h.Checkout {
		paths = append(paths, c.Path)
	}
	return paths
}

// asking is a visitor's request for a path, as matchers need it; nil if there is none.
func (h *Handler) asking(path string) *http.Request {
	r, err := h.visitor(context.Background(), "", path)
	if err != nil {
		return nil
	}
	return caddyhttp.PrepareRequest(r, caddy.NewReplacer(), &discard{header: make(http.Header)}, h.server)
}

// asker asks what answers r, or every request where r is nil. script is a request for a
// PHP script: php_fastcgi makes one of whatever is no file.
type asker struct{ r, script *http.Request }

// takes reports whether a route takes the request.
func (a asker) takes(route *caddyhttp.Route) bool {
	return len(route.MatcherSets) == 0 || routeFits(route, a.r) || slices.ContainsFunc(route.Handlers, byPHP) && routeFits(route, a.script)
}

func routeFits(route *caddyhttp.Route, r *http.Request) bool {
	if r == nil {
		return false
	}
	took, err := route.MatcherSets.AnyMatchWithError(r)
	return took && err == nil
}

// before returns the directive that answers before ours comes to its turn, in the lists
// of routes that lead to it.
func (a asker) before(routes caddyhttp.RouteList, ours *Handler) string {
	by := ""
	for i := range routes {
		route := &routes[i]
		took := a.takes(route)
		for _, m := range route.Handlers {
			sub, isRoutes := m.(*caddyhttp.Subroute)
			leads := m == caddyhttp.MiddlewareHandler(ours) || isRoutes && leadsWithin(sub.Routes, ours)
			switch {
			case leads && by != "" && (took || a.r == nil):
				return by
			case leads && isRoutes:
				// What stands above, and takes other paths than the one that leads here
				// (`handle_path` changes it), proves nothing.
				return a.before(sub.Routes, ours)
			case leads:
				return ""
			case by == "" && took:
				by = a.answers(m)
			}
		}
	}
	return ""
}

// leadsWithin reports whether routes lead to our handler, by subroutes only.
func leadsWithin(routes caddyhttp.RouteList, ours *Handler) bool {
	return slices.ContainsFunc(routes, func(r caddyhttp.Route) bool {
		return slices.ContainsFunc(r.Handlers, func(m caddyhttp.MiddlewareHandler) bool {
			sub, ok := m.(*caddyhttp.Subroute)
			return m == caddyhttp.MiddlewareHandler(ours) || ok && leadsWithin(sub.Routes, ours)
		})
	})
}

// answers returns the directive of a handler that hands the request on to nobody; "" of
// others.
func (a asker) answers(m caddyhttp.MiddlewareHandler) string {
	switch m := m.(type) {
	case *fileserver.FileServer:
		if !m.PassThru {
			return "file_server"
		}
	case *reverseproxy.Handler:
		switch {
		case len(m.HandleResponse) > 0: // may go on, as `forward_auth` does
			return ""
		case byPHP(m):
			return "php_fastcgi"
		}
		return "reverse_proxy"
	case caddyhttp.StaticResponse:
		return responds(string(m.StatusCode))
	case *caddyhttp.StaticResponse:
		return responds(string(m.StatusCode))
	case *caddyhttp.Subroute:
		for i := range m.Routes {
			if !a.takes(&m.Routes[i]) {
				continue
			}
			for _, inner := range m.Routes[i].Handlers {
				if by := a.answers(inner); by != "" {
					return by
				}
			}
		}
	case caddy.Module:
		if m.CaddyModule().ID == "http.handlers.payment_sandbox" {
			return "payment_sandbox"
		}
	}
	return ""
}

// ahead returns the directive that answers every request before a handler that is being
// provisioned comes to its turn. `caddy validate` goes no further than that. What is read
// already stands in Handlers, what is about to be in HandlersRaw.
func ahead(ctx caddy.Context, srv *caddyhttp.Server, h *Handler) (by string) {
	defer func() {
		if recover() != nil {
			by = "" // a matcher that can't be asked here says nothing
		}
	}()
	script, err := http.NewRequestWithContext(ctx, http.MethodGet, "/index.php", nil)
	if err != nil {
		return ""
	}
	a := asker{script: caddyhttp.PrepareRequest(script, caddy.NewReplacer(), &discard{header: make(http.Header)}, srv)}
	lists := []caddyhttp.RouteList{srv.Routes}
	if srv.Errors != nil {
		lists = append(lists, srv.Errors.Routes)
	}
	for _, m := range ctx.Modules() {
		switch m := m.(type) {
		case *caddyhttp.App:
		case *caddyhttp.Subroute:
			by = cmp.Or(by, a.beforeUnread(lists, "subroute"))
			lists = []caddyhttp.RouteList{m.Routes}
			if m.Errors != nil {
				lists = append(lists, m.Errors.Routes)
			}
		case *Handler:
			if m == h {
				return cmp.Or(by, a.beforeUnread(lists, AppName))
			}
			return ""
		default:
			return ""
		}
	}
	return ""
}

// beforeUnread is what answers everything before the first handler of that name in the route
// that is being provisioned.
func (a asker) beforeUnread(lists []caddyhttp.RouteList, name string) string {
	for _, list := range lists {
		by := ""
		for i := range list {
			route := &list[i]
			if len(route.Handlers) == 0 && len(route.HandlersRaw) > 0 {
				return cmp.Or(by, rawBefore(route.HandlersRaw, name))
			}
			for _, m := range route.Handlers {
				if by == "" && a.takes(route) {
					by = a.answers(m)
				}
			}
		}
	}
	return ""
}

// rawBefore returns the directive among handlers as JSON that answers everything, up to one of
// that name.
func rawBefore(all []json.RawMessage, name string) string {
	for _, raw := range all {
		var m struct {
			Handler  string               `json:"handler"`
			Status   caddyhttp.WeakString `json:"status_code"`
			PassThru bool                 `json:"pass_thru"`
			Answers  []json.RawMessage    `json:"handle_response"`
			Routes   []struct {
				Match  []json.RawMessage `json:"match"`
				Handle []json.RawMessage `json:"handle"`
			} `json:"routes"`
		}
		if json.Unmarshal(raw, &m) != nil || m.Handler == name {
			return ""
		}
		switch m.Handler {
		case "file_server", "reverse_proxy":
			if !m.PassThru && len(m.Answers) == 0 {
				return m.Handler
			}
		case "static_response":
			if by := responds(string(m.Status)); by != "" {
				return by
			}
		case "payment_sandbox":
			return m.Handler
		case "subroute":
			for _, route := range m.Routes {
				if by := rawBefore(route.Handle, ""); by != "" && len(route.Match) == 0 {
					return by
				}
			}
		}
	}
	return ""
}

// responds: `respond` ends a request, unless its status is an early one, such as 103.
func responds(status string) string {
	if len(status) == 3 && status[0] == '1' {
		return ""
	}
	return "respond"
}

// byPHP reports whether a handler proxies to PHP.
func byPHP(m caddyhttp.MiddlewareHandler) bool {
	proxy, ok := m.(*reverseproxy.Handler)
	if !ok {
		return false
	}
	_, ok = proxy.Transport.(*fastcgi.Transport)
	return ok
}
