// Package track reads an affiliate network's id from a landing visit. It knows
// nothing of Caddy, cookies' signatures or stores.
package track

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Find reads the id that a link of the network carries: as the query parameter
// param, or in the form of the network's own example as the last segment of the
// path, "/product-2/track_id=<id>". ok is whether there is exactly one that
// pattern, made by [ParsePattern], fits; where [MightCarry] said yes and ok is false, an id
// was ignored. rest is the path to go on with: without that segment where
// viaPath is set, else unchanged.
//
// An id that stands more than once is ignored even where the copies are equal:
// no network's link looks so.
func Find(u *url.URL, param string, pattern *Pattern) (id, rest string, viaPath, ok bool) {
	id, n := fromQuery(u.RawQuery, param)
	if value, before, found := cutSegment(u.Path, param); found {
		id, rest, viaPath = value, before, true
		n++
	} else {
		rest = u.Path
	}
	if n != 1 || !fits(pattern, id) {
		return "", u.Path, false, false
	}
	return id, rest, viaPath, true
}

// Strip takes the segment that carries the id out of the path, in place. It
// does nothing where there is none.
func Strip(u *url.URL, param string) {
	_, rest, found := cutSegment(u.Path, param)
	if !found {
		return
	}
	raw := u.RawPath
	u.Path, u.RawPath = rest, ""
	if i := strings.LastIndexByte(raw, '/'); i > 0 {
		if path, err := url.PathUnescape(raw[:i]); err == nil && path == rest {
			u.RawPath = raw[:i] // an escaped slash further up stays escaped
		}
	}
}

// fromQuery returns the parameter's value and how often it stands there.
func fromQuery(raw, param string) (value string, n int) {
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		v, found := cutName(pair, param)
		if !found {
			continue
		}
		n++
		var err error
		if value, err = url.QueryUnescape(v); err != nil {
			value = ""
		}
	}
	return value, n
}

// cutSegment finds "/…/param=value" as the last segment of a path.
func cutSegment(path, param string) (value, rest string, found bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", "", false
	}
	if value, found = cutName(path[i+1:], param); !found {
		return "", "", false
	}
	if i == 0 {
		return value, "/", true
	}
	return value, path[:i], true
}

func cutName(s, name string) (value string, found bool) {
	if len(s) <= len(name) || s[len(name)] != '=' || s[:len(name)] != name {
		return "", false
	}
	return s[len(name)+1:], true
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

// ParsePattern compiles what an id must look like: anchors are added. Empty is
// [DefaultPattern].
func ParsePattern(s string) (*Pattern, error) {
	if s == "" || s == DefaultPattern {
		return new(Pattern), nil
	}
	if _, err := regexp.Compile(s); err != nil { // before the anchors, which could close an open group
		return nil, fmt.Errorf("pattern: %w", err)
	}
	re, err := regexp.Compile(`\A(?:` + s + `)\z`)
	if err != nil {
		return nil, fmt.Errorf("pattern: %w", err)
	}
	return &Pattern{re}, nil
}
