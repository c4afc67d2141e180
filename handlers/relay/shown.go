package relay

import (
	"net/http"
	"net/url"
	"strings"
)

const (
	// longestShown is how much of a path people read.
	longestShown = 100
	// secretLength is from how many bytes on a part of the relay's path is taken for its
	// secret wherever it stands. Shorter ones are words, such as `-` and `pay`.
	secretLength = 6
)

// shown is what an event says of a call's path, which is below the relay's own. A base
// address that a plugin puts together twice brings the relay's path once more, and the
// secret in it reaches no event, log or finding.
func shown(r *http.Request, path string) string {
	own := strings.ToLower(strings.TrimSuffix(r.URL.EscapedPath(), path))
	plain := own
	if u, err := url.PathUnescape(own); err == nil {
		plain = u
	}
	for reading := strings.ToLower(path); ; {
		if repeats(reading, own) || repeats(reading, plain) {
			return "a path in which the relay's own stands again (is its address written twice?)"
		}
		next, err := url.PathUnescape(reading)
		if err != nil || next == reading {
			break
		}
		reading = strings.ToLower(next)
	}
	if len(path) > longestShown {
		return path[:longestShown] + "…"
	}
	return path
}

// repeats reports whether a path holds the relay's own, or what may be the secret in it.
func repeats(path, own string) bool {
	own = strings.Trim(own, "/")
	if own == "" {
		return false
	}
	if strings.Contains(path+"/", "/"+own+"/") {
		return true
	}
	for part := range strings.SplitSeq(own, "/") {
		if len(part) >= secretLength && strings.Contains(path, part) {
			return true
		}
	}
	return false
}
