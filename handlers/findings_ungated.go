package handlers

import (
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/fileserver"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// ungated finds what no gate can see: where paid content is reached by an
// address that never stands in our request.
func ungated(app *caddyhttp.App, sites []*Handler) []Finding {
	var out []Finding
	for _, h := range sites {
		if len(h.Require) == 0 || h.server == nil {
			continue
		}
		h.indexed.Do(h.readIndexNames)
		mine := h.place().tops
		out = append(out, rewritten(h, upstreams(h.server, mine))...)
		if slices.ContainsFunc(upstreams(h.server, mine), fast) {
			out = append(out, h.finding("gate_front_controller",
				"`require` is beside php_fastcgi: a page that PHP chooses by its query (/?p=12, index.php?route=…) has no path of its own; guard it in the shop, or by `require @m` with a matcher of that query"))
		}
		out = append(out, sharedRoots(app, h, mine)...)
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return strings.Compare(a.Where+a.Code, b.Where+b.Code) })
	return slices.Compact(out)
}

// rewritten finds proxies that ask their upstream for another path than ours.
func rewritten(h *Handler, proxies []*reverseproxy.Handler) (out []Finding) {
	for _, p := range proxies {
		rw := p.Rewrite
		if rw == nil || rw.URI == "" && rw.StripPathPrefix == "" && rw.StripPathSuffix == "" && len(rw.URISubstring) == 0 && len(rw.PathRegexp) == 0 {
			continue
		}
		to, _, _ := strings.Cut(rw.URI, "?")
		fixed := strings.HasPrefix(to, "/") && !strings.Contains(to, "{")
		taken := fixed && slices.ContainsFunc(h.Require, func(q *Require) bool { return q.guarded.slowly(to) })
		switch {
		case taken:
			out = append(out, h.finding("gate_rewrite",
				fmt.Sprintf("a proxy's own `rewrite` leads to %s, which a `require` guards: the upstream is asked for it, also by visitors who have not paid; rewrite with the `rewrite` directive instead", to)))
		case !fixed && len(p.HandleResponse) == 0:
			out = append(out, h.finding("gate_rewrite",
				"reverse_proxy has a `rewrite` of its own beside `require`: what path the upstream is asked for no gate can see; rewrite with the `rewrite` or `uri` directive instead"))
		}
	}
	return out
}

func fast(p *reverseproxy.Handler) bool {
	return strings.Contains(fmt.Sprintf("%T", p.Transport), "fastcgi")
}

// sharedRoots finds other sites that serve the same files without these gates.
func sharedRoots(app *caddyhttp.App, h *Handler, mine caddyhttp.RouteList) (out []Finding) {
	own := roots(h.server, mine)
	out = partRoots(h, mine)
	for _, name := range slices.Sorted(maps.Keys(app.Servers)) {
		srv := app.Servers[name]
		for _, route := range srv.Routes {
			others := caddyhttp.RouteList{route}
			if hasGates(srv, others) {
				continue
			}
			for _, root := range roots(srv, others) {
				if slices.ContainsFunc(own, func(r string) bool { return inside(root, r) || inside(r, root) }) {
					out = append(out, Finding{
						Code: "gate_root", Where: whereabouts(srv, route),
						Text: fmt.Sprintf("another site serves the files under %s, which %s guards by `require`, without any: give it another root", root, h.place().shopName()),
					})
				}
			}
		}
	}
	return out
}

// partRoots finds parts of the same site, outside of this handler's, that serve its
// files by other addresses than the gates know.
func partRoots(h *Handler, mine caddyhttp.RouteList) (out []Finding) {
	behind, beside := files(h.server, mine)
	for _, b := range behind {
		if slices.ContainsFunc(behind, func(own served) bool {
			// What the gates say of addresses, they don't say of a part below another
			// whose addresses are rewritten.
			part := own.moved && inside(own.root, b.root)
			return b.root != own.root && !part && h.reaches(b.root, own.root)
		}) {
			out = append(out, h.finding("gate_root",
				fmt.Sprintf("a part of this site serves the files under %s by other addresses than a `require` guards them by: guard these addresses, too, or give that part another root", b.root)))
		}
	}
	for _, b := range beside {
		if slices.ContainsFunc(behind, func(own served) bool {
			return (b.root != own.root || b.moved) && (inside(b.root, own.root) || inside(own.root, b.root))
		}) {
			out = append(out, h.finding("gate_root",
				fmt.Sprintf("a part of this site serves the files under %s, some of which a `require` guards, by other addresses and outside of this `payments` block: write `require` in the site itself, outside of handle and route, or give that part another root", b.root)))
		}
	}
	return out
}

// reaches reports whether files below dir are among those that a require guards
// where the site's root is root.
func (h *Handler) reaches(dir, root string) bool {
	return slices.ContainsFunc(h.Require, func(q *Require) bool {
		patterns := q.plain()
		if len(patterns) == 0 {
			patterns = []string{"*"} // a matcher may mean anything
		}
		return slices.ContainsFunc(patterns, func(pattern string) bool {
			written, _, _ := strings.Cut(pattern, "*")
			guarded := filepath.Join(root, filepath.FromSlash(written))
			return inside(dir, guarded) || inside(guarded, dir)
		})
	})
}

func inside(dir, of string) bool {
	return dir == of || strings.HasPrefix(dir, strings.TrimRight(of, "/")+"/")
}

func hasGates(srv *caddyhttp.Server, routes caddyhttp.RouteList) bool {
	return slices.ContainsFunc(handlersOf[*Handler](srv, routes), func(h *Handler) bool { return len(h.Require) > 0 })
}

// roots returns the directories that routes serve files from, as far as they are
// written out.
func roots(srv *caddyhttp.Server, routes caddyhttp.RouteList) (all []string) {
	add := func(root string) {
		if abs, ok := absolute(root); ok && !slices.Contains(all, abs) {
			all = append(all, abs)
		}
	}
	walk(srv, routes, func(handler caddyhttp.MiddlewareHandler) {
		switch v := handler.(type) {
		case *caddyhttp.VarsMiddleware:
			root, _ := (*v)["root"].(string)
			add(root)
		case *fileserver.FileServer:
			add(v.Root)
		}
	})
	return all
}

// absolute returns where a root leads that is known when the config is loaded: written
// out, or by placeholders such as {env.ROOT}; and past symbolic links.
func absolute(root string) (abs string, ok bool) {
	root = caddy.NewReplacer().ReplaceKnown(root, "")
	if root == "" || strings.Contains(root, "{") {
		return "", false
	}
	abs, err := filepath.Abs(root)
	if err != nil {
		return "", false
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	return abs, true
}

// indexNames returns the names that the server's file servers, try_files and PHP
// serve a directory by, and the usual ones.
func indexNames(srv *caddyhttp.Server) []string {
	names := slices.Clone(defaultIndex)
	add := func(name string) {
		// As a file server joins it to the directory: a name may lie below, never above.
		name = strings.ToLower(strings.TrimPrefix(path.Clean("/"+name), "/"))
		if name != "" && !strings.ContainsAny(name, "{}*") && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	tried := func(sets caddyhttp.MatcherSets) {
		for _, set := range sets {
			for _, m := range set {
				var files []string
				switch m := m.(type) {
				case *fileserver.MatchFile:
					files = m.TryFiles
				case fileserver.MatchFile:
					files = m.TryFiles
				}
				for _, f := range files {
					if at := strings.LastIndex(f, "}/"); at >= 0 {
						add(f[at+len("}/"):])
					}
				}
			}
		}
	}
	routes := slices.Clone(srv.Routes)
	for _, named := range srv.NamedRoutes {
		routes = append(routes, *named)
	}
	var each func(caddyhttp.RouteList)
	each = func(routes caddyhttp.RouteList) {
		for _, route := range routes {
			tried(route.MatcherSets)
			for _, handler := range route.Handlers {
				switch v := handler.(type) {
				case *fileserver.FileServer:
					for _, name := range v.IndexNames {
						add(name)
					}
				case *caddyhttp.Subroute:
					each(v.Routes)
				}
			}
		}
	}
	each(routes)
	return names
}
