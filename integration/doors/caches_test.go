package doors

import (
	"strings"
)

// judgeCaching: an answer about one person is kept by no shared cache, whatever
// dialect it understands.
func (w *world) judgeCaching(q *request, a *answer) {
	about := ""
	for _, c := range a.Header.Values("Set-Cookie") {
		if n := strings.ToLower(c); strings.HasPrefix(n, "payment_") || strings.HasPrefix(n, "__host-payment_") || strings.HasPrefix(n, "__secure-payment_") {
			about = "sets a cookie of ours"
		}
	}
	if a.Status == 402 {
		about = "is a 402"
	}
	for _, m := range markers.FindAllString(a.Body, -1) {
		c, ok := known[m]
		if b := w.blockNumbered(c.Block); ok && b != nil {
			for _, r := range b.Requires {
				for _, p := range r.Paths {
					if takes(p, c.Path) && (!r.Matcher || plain(q.Target) == b.at(c.Path) && says(p, c.Path)) {
						about = "is paid content"
					}
				}
			}
		}
	}
	if q.Doing == "comes back" || q.Doing == "is sent on" {
		about = "answers a customer's return"
	}
	if about == "" {
		return
	}
	if by := shared(a); by != "" {
		w.fail("shared-cache", "an answer (%d) that %s may be kept by shared caches: %s", a.Status, about, by)
	}
}

// shared is what lets a shared cache keep an answer; empty if nothing does.
func shared(a *answer) string {
	for name, values := range a.Header {
		lower := strings.ToLower(name)
		value := strings.ToLower(strings.Join(values, ", "))
		switch {
		case lower == "cache-control":
			if !strings.Contains(value, "no-store") && !contains(value, "private") {
				return name + ": " + value
			}
			if strings.Contains(value, "public") || strings.Contains(value, "s-maxage") {
				return name + ": " + value
			}
		case lower == "surrogate-control", strings.HasSuffix(lower, "-cache-control"), lower == "edge-control":
			if !strings.Contains(value, "no-store") && !contains(value, "private") && !strings.Contains(value, "max-age=0") && !strings.Contains(value, "no-cache") {
				return name + ": " + value
			}
		case lower == "x-accel-expires":
			if value != "0" && value != "off" {
				return name + ": " + value
			}
		}
	}
	if a.Header.Get("Cache-Control") == "" {
		return "there is no Cache-Control"
	}
	return ""
}

// contains says whether a list has a directive without an argument.
func contains(value, directive string) bool {
	for _, d := range strings.Split(value, ",") {
		if strings.TrimSpace(d) == directive {
			return true
		}
	}
	return false
}
