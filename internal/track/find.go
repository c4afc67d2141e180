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
func Find(u *url.URL, param string, pattern *regexp.Regexp) (id, rest string, viaPath, ok bool) {
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
func fits(pattern *regexp.Regexp, id string) bool {
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

// ParsePattern compiles what an id must look like as a whole: anchors are added.
func ParsePattern(s string) (*regexp.Regexp, error) {
	if s == "" {
		s = DefaultPattern
	}
	if _, err := regexp.Compile(s); err != nil { // before the anchors, which could close an open group
		return nil, fmt.Errorf("pattern: %w", err)
	}
	return regexp.Compile(`\A(?:` + s + `)\z`)
}
