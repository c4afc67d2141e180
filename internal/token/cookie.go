package token

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// MaxCookies is how many cookies of one family are read: a browser that sends
// more makes them up.
const MaxCookies = 20

// maxScan is how many cookies of a request are looked at.
const maxScan = 200

// CookieName is the full name of a cookie of ours: "__Host-payment_<name>"
// where the browser's view is https, which no other host and no http page can
// plant, and "payment_<name>" otherwise.
func CookieName(name string, secure bool) string {
	return cookiePrefix(secure) + name
}

// cookiePrefix: on https the browser itself sees to it that nobody but this very
// host has set the cookie.
func cookiePrefix(secure bool) string {
	if secure {
		return "__Host-payment_"
	}
	return "payment_"
}

// SetCookie sets a cookie of ours: HttpOnly, SameSite=Lax, for the whole host.
// A life of zero makes it one of the browser's session. The caller makes the
// answer private.
func SetCookie(w http.ResponseWriter, name, value string, life time.Duration, secure bool) {
	set(w, name, value, int(life/time.Second), secure)
}

// DropCookie removes a cookie of ours from the browser.
func DropCookie(w http.ResponseWriter, name string, secure bool) {
	set(w, name, "", -1, secure)
}

func set(w http.ResponseWriter, name, value string, maxAge int, secure bool) {
	b := beginCookie(make([]byte, 0, 96+len(name)+len(value)), name, secure)
	addCookie(w, endCookie(append(b, value...), maxAge, secure))
}

// beginCookie writes a cookie up to its value. It is written by hand, because
// every landing page waits for it: a value of ours has only letters, digits,
// '-', '_' and '.', so nothing in it needs quoting or looking at.
func beginCookie(b []byte, name string, secure bool) []byte {
	b = append(b, cookiePrefix(secure)...)
	return append(append(b, name...), '=')
}

// endCookie writes what follows the value.
func endCookie(b []byte, maxAge int, secure bool) []byte {
	b = append(b, "; Path=/"...)
	if maxAge != 0 {
		b = strconv.AppendInt(append(b, "; Max-Age="...), int64(max(maxAge, 0)), 10)
	}
	b = append(b, "; HttpOnly"...)
	if secure {
		b = append(b, "; Secure"...)
	}
	return append(b, "; SameSite=Lax"...)
}

func addCookie(w http.ResponseWriter, cookie []byte) {
	h := w.Header()
	h["Set-Cookie"] = append(h["Set-Cookie"], string(cookie))
}

// ReadCookie returns a cookie of ours, "" where there is none. Only the name
// that fits the scheme is read: on https one that an http page or a sister
// host could have planted is none of ours. Two that differ are none either.
func ReadCookie(r *http.Request, name string, secure bool) string {
	value, found := "", false
	eachCookie(r, CookieName(name, secure), func(rest, v string) bool {
		if rest != "" {
			return true
		}
		if found && v != value {
			value = ""
			return false
		}
		value, found = v, true
		return true
	})
	return value
}

// HasCookie reports whether a browser shows any cookie of ours whose name
// begins so, whatever it is worth.
func HasCookie(r *http.Request, family string, secure bool) bool {
	found := false
	if len(r.Header["Cookie"]) > 0 {
		eachCookie(r, CookieName(family, secure), func(string, string) bool { found = true; return false })
	}
	return found
}

// Named is one cookie of a family.
type Named struct {
	// Name is without the family's prefix and ours: to be given to
	// [DropCookie] behind the family's.
	Name, Value string
}

// ReadCookies returns up to [MaxCookies] cookies of ours whose names begin with
// family, such as "paid_".
func ReadCookies(r *http.Request, family string, secure bool) []Named {
	var found []Named
	eachCookie(r, CookieName(family, secure), func(rest, v string) bool {
		if rest != "" {
			found = append(found, Named{rest, v})
		}
		return len(found) < MaxCookies
	})
	return found
}

// eachCookie calls f for each cookie whose name begins with prefix, with the
// rest of the name, until f returns false.
func eachCookie(r *http.Request, prefix string, f func(rest, value string) bool) {
	n := 0
	for _, line := range r.Header["Cookie"] {
		for line != "" {
			if n++; n > maxScan {
				return
			}
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			name, value, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
			if len(name) < len(prefix) || name[:len(prefix)] != prefix || len(value) > maxToken {
				continue
			}
			if !f(name[len(prefix):], value) {
				return
			}
		}
	}
}
