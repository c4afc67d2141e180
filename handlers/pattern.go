package handlers

import (
	"cmp"
	"fmt"
	"net/url"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rahgir/caddy-payments/internal/quote"
)

// Plain returns a path pattern without escapes: /c%2B%2B/* is /c++/*. Caddy's own matcher
// compares an escape with the same escape only, and a visitor chooses how to spell a path.
//
// Invariant: no pattern that a route compares has an escape or another spelling than the one
// in which requests are compared; a pattern whose meaning would then be another, or that no
// request could match, is refused.
func Plain(pattern string) (string, error) {
	plain := pattern
	if strings.Contains(pattern, "%") {
		var err error
		if plain, err = url.PathUnescape(pattern); err != nil {
			return "", fmt.Errorf("%s has a '%%' that begins no escape: write the path's letters themselves%s", quote.This(pattern), byExpression)
		}
		if !utf8.ValidString(plain) {
			return "", fmt.Errorf("the escapes of %s are no UTF-8: write the path's letters themselves%s", quote.This(pattern), byExpression)
		}
		if at := strings.IndexFunc(plain, unicode.IsControl); at >= 0 {
			return "", fmt.Errorf("the escapes of %s stand for a control character, which no path has", quote.This(pattern))
		}
		for _, c := range `/\*?[]{}%` {
			if strings.Count(plain, string(c)) > strings.Count(pattern, string(c)) || c == '%' && strings.Contains(plain, "%") {
				return "", fmt.Errorf("%s has an escape that stands for '%c', which in a path pattern means something else: write '%c' if you mean that%s", quote.This(pattern), c, c, byExpression)
			}
		}
	}
	if !strings.HasPrefix(plain, "/") {
		return plain, nil // by its end, or everything
	}
	want := path.Clean(plain)
	if strings.HasSuffix(plain, "/") && want != "/" {
		want += "/"
	}
	if want != plain {
		return "", fmt.Errorf("%s takes no request as it is written, because doubled slashes and dots between slashes are resolved before paths are compared: write '%s'", quote.This(pattern), cmp.Or(quote.File(want), "/buy"))
	}
	return plain, nil
}

const byExpression = "; or take the path by a named matcher, such as `@this path_regexp ^/50%off/`"

// plainPatterns returns all of a route's patterns without escapes.
func plainPatterns(patterns []string) ([]string, error) {
	plain := make([]string, len(patterns))
	for i, p := range patterns {
		var err error
		if plain[i], err = Plain(p); err != nil {
			return nil, err
		}
	}
	return plain, nil
}
