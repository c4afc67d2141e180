package handlers

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// hosts are the names that lead somewhere in a configuration.
type hosts struct {
	// all is whether any name leads there.
	all bool
	// names are plain ones; patterns have wildcards or placeholders.
	names, patterns []string
}

// anyHost is where no host matcher stands before.
var anyHost = hosts{all: true}

// wild reports whether the names can't all be told beforehand.
func (s hosts) wild() bool { return s.all || len(s.patterns) > 0 }

// takes reports whether a request for this name, as [hostName] spells it, leads
// there.
func (s hosts) takes(name string) bool {
	return s.all || slices.Contains(s.names, name) ||
		slices.ContainsFunc(s.patterns, func(p string) bool { return fits(p, name) })
}

// primary returns the plain names, without the www twin of another one.
func (s hosts) primary() []string {
	var all []string
	for _, n := range s.names {
		if base, ok := strings.CutPrefix(n, "www."); ok && slices.Contains(s.names, base) {
			continue
		}
		all = append(all, n)
	}
	return all
}

// shop returns the name of the shop that a name leads to.
func (s hosts) shop(name string) string {
	if base, ok := strings.CutPrefix(name, "www."); ok && slices.Contains(s.names, base) {
		return base
	}
	return name
}

// and adds what leads there on another way.
func (s hosts) and(more hosts) hosts {
	if s.all || more.all {
		return anyHost
	}
	for _, n := range more.names {
		s.names = adding(slices.Clip(s.names), n)
	}
	for _, p := range more.patterns {
		s.patterns = adding(slices.Clip(s.patterns), p)
	}
	return s
}

// within keeps what of inner can be reached where only s leads to it.
func (s hosts) within(inner hosts) hosts {
	switch {
	case s.all:
		return inner
	case inner.all:
		return s
	}
	var both hosts
	for _, n := range inner.names {
		if s.takes(n) {
			both.names = append(both.names, n)
		}
	}
	for _, n := range s.names {
		if inner.takes(n) {
			both.names = adding(both.names, n)
		}
	}
	for _, p := range inner.patterns {
		// Which of two patterns is the narrower does not matter here: either way
		// only the request tells.
		if len(s.patterns) > 0 {
			both.patterns = append(both.patterns, p)
		}
	}
	return both
}

// hostsOfRoute returns the names that a route is for. Matchers of other kinds are
// not understood: behind them any name may come.
func hostsOfRoute(route caddyhttp.Route) hosts {
	if len(route.MatcherSets) == 0 {
		return anyHost
	}
	var all hosts
	for _, set := range route.MatcherSets {
		one := anyHost
		for _, m := range set {
			if names, ok := hostMatcher(m); ok {
				one = hostsOfMatcher(names)
			}
		}
		all = all.and(one)
	}
	return all
}

func hostMatcher(m any) (caddyhttp.MatchHost, bool) {
	switch names := m.(type) {
	case *caddyhttp.MatchHost:
		return *names, true
	case caddyhttp.MatchHost:
		return names, true
	}
	return nil, false
}

func hostsOfMatcher(matcher caddyhttp.MatchHost) hosts {
	var all hosts
	repl := caddy.NewReplacer()
	for _, n := range matcher {
		n = repl.ReplaceKnown(n, "")
		switch {
		case strings.Contains(n, "{"):
			all.patterns = append(all.patterns, "*{") // only the request tells
		case strings.Contains(n, "*"):
			all.patterns = append(all.patterns, strings.ToLower(n))
		default:
			all.names = adding(all.names, hostName(n))
		}
	}
	return all
}

// fits compares as Caddy's host matcher does: a star stands for one label.
func fits(pattern, name string) bool {
	if pattern == "*{" {
		return true
	}
	want, got := strings.Split(pattern, "."), strings.Split(name, ".")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != "*" && want[i] != got[i] {
			return false
		}
	}
	return true
}
