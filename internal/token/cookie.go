package token

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// MaxCookies is how many cookies of one family are read: a browser that sends
// more makes them up.
const MaxCookies = 20

// maxScan is how many cookies of a request are looked at. Browsers keep fewer for one
// domain (Chrome and Firefox 180), so whoever plants cookies can't push ours behind it.
const maxScan = 200

// View is what a browser sees of a shop.
type View struct {
	// Secure is whether its connection is https.
	Secure bool
	// Path is the shop's, where several share a host: empty, or with a slash
	// before and none behind.
	Path string
}

// CookieName returns the full name of one of our cookies: "__Host-payment_<name>"
// where the browser's view is https, which no other host and no http page can
// plant, and "payment_<name>" otherwise. A shop with a path has cookies for that
// path, which `__Host-` does not allow: there the prefix is `__Secure-`, and a
// tag of the path keeps apart what a browser sends together.
func CookieName(name string, view View) string {
	return cookiePrefix(view) + name
}

func cookiePrefix(v View) string {
	switch {
	case v.Path == "" && v.Secure:
		return "__Host-payment_"
	case v.Path == "":
		return "payment_"
	case v.Secure:
		return "__Secure-payment_" + pathTag(v.Path)
	}
	return "payment_" + pathTag(v.Path)
}

// pathTag tells the cookies of one path from those of others: a browser sends
// the cookies of / and of /shop to /shop/cellar as well.
func pathTag(path string) string {
	sum := sha256.Sum256([]byte(path))
	return hex.EncodeToString(sum[:4]) + "_"
}

// SetCookie sets one of our cookies: HttpOnly, SameSite=Lax, for the whole shop.
// A life of zero makes it one of the browser's session. The caller makes the
// answer private.
func SetCookie(w http.ResponseWriter, name, value string, life time.Duration, view View) {
	set(w, name, value, int(life/time.Second), view)
}

// DropCookie removes one of our cookies from the browser.
func DropCookie(w http.ResponseWriter, name string, view View) {
	set(w, name, "", -1, view)
}

func set(w http.ResponseWriter, name, value string, maxAge int, view View) {
	b := beginCookie(make([]byte, 0, 96+len(name)+len(value)), name, view)
	addCookie(w, endCookie(append(b, value...), maxAge, view))
}

// beginCookie writes a cookie up to its value. It is written by hand, because
// every landing page waits for it: a value that we make has only letters, digits,
// '-', '_' and '.', so nothing in it needs quoting or looking at.
func beginCookie(b []byte, name string, view View) []byte {
	b = append(b, cookiePrefix(view)...)
	return append(append(b, name...), '=')
}

// endCookie writes what follows the value.
func endCookie(b []byte, maxAge int, view View) []byte {
	b = append(b, "; Path="...)
	if view.Path == "" {
		b = append(b, '/')
	}
	b = append(b, view.Path...)
	if maxAge != 0 {
		b = strconv.AppendInt(append(b, "; Max-Age="...), int64(max(maxAge, 0)), 10)
	}
	b = append(b, "; HttpOnly"...)
	if view.Secure {
		b = append(b, "; Secure"...)
	}
	return append(b, "; SameSite=Lax"...)
}

func addCookie(w http.ResponseWriter, cookie []byte) {
	h := w.Header()
	h["Set-Cookie"] = append(h["Set-Cookie"], string(cookie))
}

// ReadCookie returns one of our cookies, "" without it. Only the name
// that fits the scheme is read: on https one that an http page or a sister
// host could have planted is none of ours. Two that differ are none either.
func ReadCookie(r *http.Request, name string, view View) string {
	value, found := "", false
	eachCookie(r, CookieName(name, view), func(rest, v string) bool {
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

// HasCookie reports whether a browser shows any of our cookies whose name
// begins so, whatever it is worth.
func HasCookie(r *http.Request, family string, view View) bool {
	found := false
	if len(r.Header["Cookie"]) > 0 {
		eachCookie(r, CookieName(family, view), func(string, string) bool { found = true; return false })
	}
	return found
}

// Named is one cookie of a family.
type Named struct {
	// Name is without the family's prefix and ours: to be given to
	// [DropCookie] behind the family's.
	Name, Value string
}

// ReadCookies returns up to [MaxCookies] of our cookies whose names begin with
// family, such as "paid_", and whose values ours takes.
//
// Its invariant: a cookie that ours doesn't take keeps none out that it takes. On http
// anybody in the network, or a sister host, can plant cookies that come first.
func ReadCookies(r *http.Request, family string, view View, ours func(value string) bool) []Named {
	var found []Named
	EachCookie(r, family, view, func(c Named) bool {
		if ours(c.Value) {
			found = append(found, c)
		}
		return len(found) < MaxCookies
	})
	return found
}

// EachCookie calls f for each of our cookies whose names begin with family, until f
// returns false.
func EachCookie(r *http.Request, family string, view View, f func(Named) bool) {
	eachCookie(r, CookieName(family, view), func(rest, v string) bool { return rest == "" || f(Named{rest, v}) })
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
