package caddyfile

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/handlers"
	"github.com/rahgir/caddy-payments/internal/quote"
)

// match reads which requests a route takes: one named matcher of the site, or paths.
// `*` stands for every request, where a route may take that.
func (s *siteBlock) match(d *caddyfile.Dispenser, route string, args []caddyfile.Token) (handlers.Match, error) {
	m, err := s.written(d, route, args)
	if err != nil {
		return m, err
	}
	return m, checkPlain(d, route, m)
}

// checkPlain refuses paths that mean something else without their escapes, or nothing.
func checkPlain(d *caddyfile.Dispenser, route string, m handlers.Match) error {
	for _, p := range m.Paths {
		if _, err := handlers.Plain(p); err != nil {
			return d.Errf("%s: %w", route, err)
		}
	}
	return nil
}

// written is match without a look at how the paths are spelt.
func (s *siteBlock) written(d *caddyfile.Dispenser, route string, args []caddyfile.Token) (handlers.Match, error) {
	var m handlers.Match
	everything := false
	for _, arg := range args {
		switch text := arg.Text; {
		case strings.HasPrefix(text, "@"):
			if len(m.MatchRaw) > 0 {
				return m, d.Errf("%s takes one matcher: put both conditions into one", route)
			}
			set, err := s.named(d, arg)
			if err != nil {
				return m, err
			}
			m.MatchRaw = caddyhttp.RawMatcherSets{set}
		case text == "*":
			everything = true
		default:
			if err := checkPattern(d, route, text); err != nil {
				return m, err
			}
			m.Paths = append(m.Paths, text)
		}
	}
	if len(m.MatchRaw) > 0 && (len(m.Paths) > 0 || everything) {
		return m, d.Errf("%s takes a matcher or paths, not both: a matcher can have a `path` line of its own", route)
	}
	if everything {
		m.Paths = nil
	}
	return m, nil
}

// returns reads what the routes of returns begin with: which requests they take, and of
// which provider. Its errors begin with the route: "verify needs a provider as its last word".
func (s *siteBlock) returns(d *caddyfile.Dispenser, route string) (m handlers.Match, provider string, err error) {
	args := d.RemainingArgsAsTokens()
	last := len(args) - 1
	if last < 0 || strings.HasPrefix(args[last].Text, "/") || strings.HasPrefix(args[last].Text, "@") || args[last].Text == "*" {
		return m, "", d.Errf("%s needs a provider as its last word: %s <path> <provider>", route, route)
	}
	provider = args[last].Text
	for _, arg := range args[:last] {
		if s.global != nil && s.global.Providers[arg.Text].Type != "" {
			return m, "", d.Errf("%s takes one provider, as its last word; write one %s line for each", route, route)
		}
	}
	if m, err = s.written(d, route, args[:last]); err != nil {
		return m, "", err
	}
	if len(m.Paths) == 0 && len(m.MatchRaw) == 0 {
		named := "<provider>"
		if s.global != nil && s.global.Providers[provider].Type != "" && quote.Name(provider) {
			named = provider
		}
		return m, "", d.Errf("%s needs a path or a matcher before the provider: %s <path> %s; without one every page would be taken for a return", route, route, named)
	}
	if err := m.Narrow(); err != nil {
		return m, "", d.Errf("%s %w", route, err)
	}
	if err := checkPlain(d, route, m); err != nil {
		return m, "", err
	}
	return m, provider, s.provider(d, route, provider)
}

// named resolves a matcher that the site, or a block around this one, defines.
func (s *siteBlock) named(d *caddyfile.Dispenser, token caddyfile.Token) (caddy.ModuleMap, error) {
	set, _, err := s.WithDispenser(caddyfile.NewDispenser([]caddyfile.Token{token})).MatcherToken()
	if err != nil {
		if !quote.Name(strings.TrimPrefix(token.Text, "@")) {
			return nil, d.Err("this matcher can't be used: define it in the site's block, outside of `payments`")
		}
		return nil, d.Errf("%w: define it in the site's block, outside of `payments`", err)
	}
	if len(set) == 0 {
		return nil, d.Errf("%s is empty: it would take every request", quote.Called("matcher", strings.TrimPrefix(token.Text, "@")))
	}
	return set, nil
}

// checkPattern refuses a pattern that matches no request's path.
func checkPattern(d *caddyfile.Dispenser, route, pattern string) error {
	switch {
	case strings.ContainsAny(pattern, "{}"):
		return d.Errf("%s: a path has no placeholders, not even unfilled ones; a named matcher may", route)
	case strings.HasPrefix(pattern, "*"):
		return d.Errf("%s: %s takes paths by their end, which needs a named matcher: `@end path %s` in the site, and %s @end", route, quote.This(pattern), cmp.Or(quote.File(pattern), "*.pdf"), route)
	case pattern != "" && !strings.HasPrefix(pattern, "/") && !strings.ContainsAny(pattern[:1], "#?"):
		return d.Errf("%s: a path begins with '/': %s", route, meantPath(pattern))
	case strings.Contains(pattern, "?") && strings.HasPrefix(pattern, "/"):
		return d.Errf("%s: %s is no path: for a query write a named matcher, such as `@return query wc-api=*`, and %s @return", route, quote.This(pattern), route)
	case pattern == "" || strings.ContainsAny(pattern, "#?"):
		return d.Errf("%s: %s is no path", route, quote.This(pattern))
	}
	return nil
}

// plainPath is [checkPlainPath] as the check of an option.
func plainPath(what string) func(*caddyfile.Dispenser, string) error {
	return func(d *caddyfile.Dispenser, path string) error { return checkPlainPath(d, what, path) }
}

// checkPlainPath refuses everything but one plain path of the site.
func checkPlainPath(d *caddyfile.Dispenser, what, path string) error {
	switch {
	case !strings.HasPrefix(path, "/"):
		return d.Errf("%s takes a path, which begins with '/': %s", what, meantPath(path))
	case strings.Contains(path, "%"):
		if plain, err := handlers.Plain(path); err == nil && !strings.ContainsAny(plain, "# ") {
			return d.Errf("%s takes its path without escapes: write '%s'", what, plain)
		}
		fallthrough
	case strings.HasPrefix(path, "//"), strings.ContainsAny(path, "*?#{}\\% "):
		return d.Errf("%s takes one plain path such as /buy%s", what, notFile(path))
	}
	return nil
}

// meantPath says what to write instead of something that is not a path: the path of an
// address, or the same text with a slash before it.
func meantPath(text string) string {
	if path, ok := pathOfAddress(text); ok {
		if path, _, more := strings.Cut(path, "?"); quote.Name(strings.TrimPrefix(path, "/")) {
			if more {
				path += "?…"
			}
			return "this is an address; the site's own block says which host, so write only '" + path + "'"
		}
		return "this is an address; the site's own block says which host, so write only its path"
	}
	if file := quote.File(text); file != "" {
		return "did you mean '/" + file + "'?"
	}
	return "write it as browsers show it behind the host, such as /buy"
}

// notFile ends "takes a path such as /buy" with what stands there, if it reads as one.
func notFile(path string) string {
	if file := quote.File(path); file != "" {
		return ", not '" + file + "'"
	}
	return ""
}

// pathOfAddress returns the path of a text that looks like an address, with or without
// a scheme: shop.example.com/cb, //shop.example.com/cb.
func pathOfAddress(text string) (string, bool) {
	_, rest, scheme := strings.Cut(text, "://")
	if !scheme {
		rest = strings.TrimPrefix(text, "//")
	}
	host, path, _ := strings.Cut(rest, "/")
	name, port, hasPort := strings.Cut(host, ":")
	dotted := strings.Contains(name, ".") && !strings.HasSuffix(name, ".php") && !strings.HasSuffix(name, ".html") && name == strings.Trim(name, ".")
	if !scheme && (!dotted && name != "localhost" || hasPort && port == "") {
		return "", false
	}
	return "/" + path, true
}

// patternsTake reports whether one of the patterns matches a path, as Caddy's own
// matcher sees it.
func patternsTake(patterns []string, path string) bool {
	var m caddyhttp.MatchPath
	for _, p := range patterns {
		plain, err := handlers.Plain(p)
		if err != nil {
			return false
		}
		m = append(m, plain)
	}
	if m.Provision(caddy.Context{}) != nil {
		return false
	}
	ctx := context.WithValue(context.Background(), caddy.ReplacerCtxKey, caddy.NewEmptyReplacer())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	if err != nil {
		return false
	}
	ok, err := m.MatchWithError(r)
	return ok && err == nil
}
