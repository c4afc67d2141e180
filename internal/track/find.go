// Package track finds an affiliate network's id in the address of a landing visit. It
// knows nothing about Caddy, cookies or stores.
package track

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/rahgir/caddy-payments/internal/params"
)

// Find reads the id that a link of the network carries: as the query parameter
// param, or in the form of the network's own example as a segment of the path,
// whose values [Take] gave and which may go on behind the id. ok is whether there is exactly one, which pattern,
// made by [ParsePattern], fits. Copies that are equal are one: small networks
// append blindly.
func Find(rawQuery string, taken []string, param string, pattern *Pattern) (id string, ok bool) {
	id, n, equal := params.Value(rawQuery, param)
	if !equal {
		return "", false
	}
	for _, segment := range taken {
		value, clear := pattern.start(segment, param)
		if n++; !clear || n > 1 && value != id {
			return "", false
		}
		id = value
	}
	if n == 0 || !fits(pattern, id) {
		return "", false
	}
	return id, true
}

// Take takes every segment "param=value" out of a path, in place, wherever it
// stands, with or without a slash behind the last, and returns the values. An
// escaped slash ends a segment as well, because it is one to whoever serves the
// path. It does nothing, and allocates nothing, where there is none.
func Take(u *url.URL, param string) (values []string) {
	is := param + "="
	if !strings.Contains(u.Path, is) {
		return nil
	}
	var kept strings.Builder
	raw := u.EscapedPath()
	behind := false // whether what was taken last ended the path so far
	for raw != "" {
		slash := leadingSlash(raw)
		end := slash + nextSlash(raw[slash:])
		segment, err := url.PathUnescape(raw[slash:end])
		value, found := strings.CutPrefix(segment, is)
		switch {
		case err == nil && found:
			values, behind = append(values, value), true
		case behind && end == slash && end == len(raw): // the slash behind it
		default:
			kept.WriteString(raw[:end])
			behind = false
		}
		raw = raw[end:]
	}
	if len(values) == 0 {
		return nil
	}
	rest := kept.String()
	if path, err := url.PathUnescape(rest); err == nil {
		if u.Path = path; !strings.HasPrefix(path, "/") {
			u.Path, rest = "/"+path, "/"+rest
		}
		u.RawPath = rest
		if u.RawPath == (&url.URL{Path: u.Path}).EscapedPath() {
			u.RawPath = ""
		}
	}
	return values
}

// leadingSlash returns how long the slash is that a raw path begins with, escaped or
// not; 0 without one.
func leadingSlash(raw string) int {
	switch {
	case raw[0] == '/':
		return 1
	case len(raw) >= 3 && raw[0] == '%' && raw[1] == '2' && (raw[2] == 'F' || raw[2] == 'f'):
		return 3
	}
	return 0
}

// nextSlash returns where the next slash of a raw path is, or its end.
func nextSlash(raw string) int {
	for i := range len(raw) {
		if leadingSlash(raw[i:]) > 0 {
			return i
		}
	}
	return len(raw)
}

// ends are the characters behind which a segment is no id any more: networks and shops put
// parameters behind a link without a question mark, and text runs on behind it.
const ends = "&;? "

// ended makes parameters of what stands behind an id.
var ended = strings.NewReplacer(";", "&", "?", "&", " ", "&")

// page is what a shop's addresses may end in, and so a link that was put before it.
const page = ".html"

// start returns the id with which the value of a segment begins, and whether what follows
// names no other.
//
// Invariant: a value that fits as a whole is the id, and one that doesn't is cut only at a
// character that no id of the pattern has. So no part of a longer id is taken for one.
func (p *Pattern) start(value, param string) (id string, clear bool) {
	if fits(p, value) {
		return value, true
	}
	id, rest := value, ""
	if at := strings.IndexFunc(value, func(c rune) bool { return strings.ContainsRune(ends, c) && !p.has(c) }); at >= 0 {
		id, rest = value[:at], value[at+1:]
	}
	if !p.has('.') {
		id = strings.TrimSuffix(id, page)
	}
	other, n, equal := params.Value(ended.Replace(rest), param)
	return id, n == 0 || equal && other == id
}

// fits reports whether id is one that is kept. It becomes a header's value, so
// whatever the pattern allows, it is printable ASCII without spaces.
func fits(pattern *Pattern, id string) bool {
	if id == "" || len(id) > MaxID {
		return false
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] >= 0x7f {
			return false
		}
	}
	return pattern.MatchString(id)
}

// MaxID is the longest id that is kept whatever the pattern says, in bytes:
// it has to fit a cookie.
const MaxID = 512

// DefaultPattern is what ids look like unless configured: the network promises
// no alphabet.
const DefaultPattern = `[A-Za-z0-9_-]{8,128}`

// The lengths that [DefaultPattern] allows.
const defaultMin, defaultMax = 8, 128

// Pattern is what an id must look like as a whole.
type Pattern struct {
	// re is nil for the default, which is looked at byte by byte: every landing
	// page waits for it.
	re *regexp.Regexp
	// written is what was written, for a look at its characters.
	written *syntax.Regexp
}

// MatchString reports whether an id fits as a whole.
func (p *Pattern) MatchString(id string) bool {
	if p.re != nil {
		return p.re.MatchString(id)
	}
	if len(id) < defaultMin || len(id) > defaultMax {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// has reports whether an id of this pattern may have a character.
func (p *Pattern) has(c rune) bool { return p.re != nil && mentions(p.written, c) }

// mentions reports whether any part of an expression takes a character.
func mentions(re *syntax.Regexp, c rune) bool {
	switch re.Op {
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return true
	case syntax.OpLiteral:
		return slices.Contains(re.Rune, c)
	case syntax.OpCharClass:
		for i := 0; i+1 < len(re.Rune); i += 2 {
			if c >= re.Rune[i] && c <= re.Rune[i+1] {
				return true
			}
		}
	}
	return slices.ContainsFunc(re.Sub, func(part *syntax.Regexp) bool { return mentions(part, c) })
}

// ParsePattern compiles what an id must look like: anchors are added. Empty is
// [DefaultPattern].
func ParsePattern(s string) (*Pattern, error) {
	if s == "" || s == DefaultPattern {
		return new(Pattern), nil
	}
	if _, err := regexp.Compile(s); err != nil { // before the anchors, which could close an open group
		return nil, fmt.Errorf("pattern: %w", unquoted(err))
	}
	re, err := regexp.Compile(`\A(?:` + s + `)\z`)
	if err != nil {
		return nil, fmt.Errorf("pattern: %w", unquoted(err))
	}
	written, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("pattern: %w", unquoted(err))
	}
	return &Pattern{re, written}, nil
}

// unquoted is what is wrong with an expression, without the expression.
func unquoted(err error) error {
	var bad *syntax.Error
	if errors.As(err, &bad) {
		return errors.New(bad.Code.String())
	}
	return err
}
