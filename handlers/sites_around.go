package handlers

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/headers"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/templates"

	"github.com/rahgir/caddy-payments/internal/caching"
)

// wrapping is a handler that has the last word about the answers of those behind it.
type wrapping struct {
	handler caddyhttp.MiddlewareHandler
	// maybe: not every request that comes to the handler behind goes through it. Then by
	// are the routes that decide, none where they can't be compared, and groups those of
	// which Caddy takes one route only.
	maybe  bool
	by     []caddyhttp.Route
	groups []string
}

// course is what a walk knows of what stands around.
type course struct {
	// where is how the owner calls the site.
	where string
	wraps []wrapping
	// paths are those of the outermost route that has any, as browsers ask for them.
	paths []string
	// moved: a path may be another than browsers ask for.
	moved bool
}

// around looks at what stands around our handlers and writes their answers anew.
//
// Invariant: no configuration runs in which `templates` runs what we have written, or in
// which a `header` tells every cache to keep what we keep out of them; where a matcher
// decides, the owner is told.
func around(app *caddyhttp.App) (out []Finding, refused error) {
	if app == nil {
		return nil, nil
	}
	for _, name := range slices.Sorted(maps.Keys(app.Servers)) {
		srv := app.Servers[name]
		lists := []caddyhttp.RouteList{srv.Routes}
		if srv.Errors != nil {
			lists = append(lists, srv.Errors.Routes)
		}
		for _, list := range lists {
			w := &walker[course]{server: srv, past: course.past, visit: func(m caddyhttp.MiddlewareHandler, at course) course {
				for _, wrap := range at.wraps {
					f, err := wrap.judge(m, at)
					if refused == nil && err != nil {
						refused = fmt.Errorf("%s: %w", siteOf(m, at.where), err)
					}
					if f.Text != "" {
						f.Where = siteOf(m, at.where)
						out = adding(out, f)
					}
				}
				return at.behind(m)
			}}
			w.into = func(at course, route caddyhttp.Route) course {
				if names := hostsOfRoute(route); !names.all || at.where == "" {
					at.where = whereabouts(srv, route)
				}
				return at.into(route)
			}
			w.routes(list, course{})
		}
	}
	return out, refused
}

// siteOf names the site of a handler of ours.
func siteOf(m caddyhttp.MiddlewareHandler, where string) string {
	if h, ok := m.(*Handler); ok {
		return h.place().shopName()
	}
	return where
}

func (c course) into(route caddyhttp.Route) course {
	if len(c.paths) == 0 && !c.moved {
		c.paths = patternsOfAll(route)
	}
	if route.Group != "" {
		c.wraps = slices.DeleteFunc(slices.Clone(c.wraps), func(w wrapping) bool { return slices.Contains(w.groups, route.Group) })
	}
	return c
}

func (c course) behind(m caddyhttp.MiddlewareHandler) course {
	switch m := m.(type) {
	case *rewrite.Rewrite:
		c.moved = true
	case *headers.Handler, *templates.Templates:
		c.wraps = append(slices.Clip(c.wraps), wrapping{handler: m})
	}
	return c
}

// past: what stands in a route that not every request goes through may stand around what
// follows it. After the last route of a request nothing follows.
func (c course) past(end course, route caddyhttp.Route) course {
	if route.Terminal {
		return c
	}
	wraps := slices.Clip(c.wraps)
	for _, w := range end.wraps {
		if slices.ContainsFunc(c.wraps, func(known wrapping) bool { return known.handler == w.handler }) {
			continue
		}
		if w.by = append(slices.Clip(w.by), route); c.moved {
			w.by = nil
		}
		w.maybe = true
		if route.Group != "" {
			w.groups = append(slices.Clip(w.groups), route.Group)
		}
		wraps = append(wraps, w)
	}
	c.wraps, c.moved = wraps, c.moved || end.moved
	return c
}

// judge says what it does to the answers of a handler behind it.
func (w wrapping) judge(m caddyhttp.MiddlewareHandler, at course) (Finding, error) {
	ours, name := w.guarded(m)
	if ours == "" || w.maybe && slices.ContainsFunc(w.by, func(r caddyhttp.Route) bool { return misses(r, at.paths) }) {
		return Finding{}, nil
	}
	switch outer := w.handler.(type) {
	case *templates.Templates:
		if len(outer.Delimiters) > 0 && outer.Delimiters[0] != "" && !strings.Contains(outer.Delimiters[0], "{{") {
			return Finding{}, fmt.Errorf("`templates` with `between %s` stands outside of `%s`, whose pages show what visitors type, and would run it; leave `between` out, or write `templates` in a `handle` of its own that `%s` isn't in", strings.Join(outer.Delimiters, " "), ours, ours)
		}
	case *headers.Handler:
		field, sure := loosened(outer.Response)
		if field == "" || name == "" {
			return Finding{}, nil
		}
		text := fmt.Sprintf("a `header` outside of `%s` sets or removes %s when the answer is written, so that caches may keep %s; write %s as a line of its own, without `defer`, `>` or `match`: then `%s` has the last word",
			ours, field, name, field, ours)
		if sure && !w.maybe {
			return Finding{}, errors.New(text)
		}
		return Finding{Code: "kept", Grave: true, Text: text + ", or give it a matcher such as `not path` that leaves its paths out"}, nil
	}
	return Finding{}, nil
}

// guarded returns the directive of a handler of ours, and what it keeps out of caches.
func (w wrapping) guarded(m caddyhttp.MiddlewareHandler) (directive, kept string) {
	switch m := m.(type) {
	case *Handler:
		if m.money() || len(m.Require) > 0 {
			kept = "paid content and what is said about a payment"
		}
		return AppName, kept
	case shower:
		return "payment_dashboard", "the shop's payments"
	case caddy.Module:
		if m.CaddyModule().ID == "http.handlers.payment_sandbox" {
			return "payment_sandbox", ""
		}
	}
	return "", ""
}

// loosened returns the header by which some cache may keep an answer of ours, after the
// operations that Caddy runs when an answer is written; "" if none may. It is sure unless
// the answer must be one of a certain kind.
func loosened(response *headers.RespHeaderOps) (field string, sure bool) {
	if response == nil || response.HeaderOps == nil || !response.Deferred && response.Require == nil {
		return "", false // what was set before is overwritten by ours
	}
	said := http.Header{"Cache-Control": {forNobody}}
	sure = true
	if only := response.Require; only != nil {
		known := caddyhttp.ResponseMatcher{Headers: make(http.Header)}
		for name, values := range only.Headers {
			if name = http.CanonicalHeaderKey(name); name == "Cache-Control" || caching.Keeping(name) {
				known.Headers[name] = values
			} else {
				sure = false
			}
		}
		if !known.Match(http.StatusOK, said) {
			return "", false // such as a default, which gives way to ours
		}
		sure = sure && (caddyhttp.ResponseMatcher{StatusCode: only.StatusCode}).Match(http.StatusOK, said)
	}
	response.ApplyTo(said, caddy.NewReplacer())
	return caching.Kept(said), sure
}

// misses reports whether a route surely takes none of the paths.
func misses(route caddyhttp.Route, paths []string) bool {
	if len(paths) == 0 || len(route.MatcherSets) == 0 {
		return false
	}
	for _, set := range route.MatcherSets {
		if !slices.ContainsFunc(set, func(m any) bool { return excludes(m, paths) }) {
			return false
		}
	}
	return true
}

// excludes reports whether a matcher surely takes none of the paths.
func excludes(m any, paths []string) bool {
	var not caddyhttp.MatchNot
	switch m := m.(type) {
	case *caddyhttp.MatchNot:
		not = *m
	case caddyhttp.MatchNot:
		not = m
	default:
		theirs := patternsOf(m)
		return len(theirs) > 0 && !slices.ContainsFunc(theirs, func(a string) bool {
			return slices.ContainsFunc(paths, func(b string) bool { return !disjoint(a, b) })
		})
	}
	return !slices.ContainsFunc(paths, func(p string) bool {
		return !slices.ContainsFunc(not.MatcherSets, func(set caddyhttp.MatcherSet) bool {
			return len(set) == 1 && slices.ContainsFunc(patternsOf(set[0]), func(all string) bool { return covers(all, p) })
		})
	})
}

// patternsOfAll returns the patterns of a route of which every request fits one, nil if there
// are none.
func patternsOfAll(route caddyhttp.Route) (all []string) {
	for _, set := range route.MatcherSets {
		of := len(all)
		for _, m := range set {
			all = append(all, patternsOf(m)...)
		}
		if len(all) == of {
			return nil
		}
	}
	return all
}

func patternsOf(m any) []string {
	switch m := m.(type) {
	case *caddyhttp.MatchPath:
		return *m
	case caddyhttp.MatchPath:
		return m
	}
	return nil
}

// plainPattern returns what a path pattern begins with and whether more may follow; not ok for one
// with other wildcards or placeholders.
func plainPattern(pattern string) (begin string, more, ok bool) {
	begin, more = strings.CutSuffix(strings.ToLower(pattern), "*")
	return begin, more, strings.HasPrefix(begin, "/") && !strings.ContainsAny(begin, "*?[\\{%")
}

// disjoint: no path fits both patterns.
func disjoint(a, b string) bool {
	x, moreX, okX := plainPattern(a)
	y, moreY, okY := plainPattern(b)
	if !okX || !okY {
		return false
	}
	return !(x == y || moreX && strings.HasPrefix(y, x) || moreY && strings.HasPrefix(x, y))
}

// covers: whatever fits p fits all.
func covers(all, p string) bool {
	x, moreX, okX := plainPattern(all)
	y, moreY, okY := plainPattern(p)
	return okX && okY && (moreX && strings.HasPrefix(y, x) || !moreX && !moreY && x == y)
}
