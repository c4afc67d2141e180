package handlers

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

// relation says how a path relates to the paths of a verify route.
type relation int

const (
	elsewhere relation = iota
	// below: the path of the route and more.
	below
	// within: below a script. PHP calls that path info, and the script answers.
	within
	// exactly: the path itself, with or without a last slash.
	exactly
)

// relates compares a path with a route's paths. Caddy's own matcher decides what the patterns
// match. Spellings that are the same path for the shop count as the same path.
func (m *Match) relates(r *http.Request, needsMatcher bool) relation {
	if m.filter.matchAs(r, needsMatcher) {
		return exactly
	}
	p := r.URL.Path
	if !needsMatcher && !strings.Contains(p, ".php/") && !strings.Contains(p, ";") {
		return m.near(p)
	}
	found := elsewhere
	if countless(p) {
		found = below
	}
	for _, reading := range readings(p) {
		relation := m.near(reading)
		if m.filter.matchPath(reading) {
			relation = exactly
		}
		if strings.HasSuffix(reading, unresolved) {
			relation = min(relation, below) // which page it is, nobody knows
		}
		found = max(found, relation)
	}
	return found
}

// near is relates for one reading of a path that no pattern matches. It allocates nothing.
func (m *Match) near(p string) relation {
	found := elsewhere
	for _, pattern := range m.filter.exact {
		base := strings.TrimRight(pattern, "/")
		rest, ok := strings.CutPrefix(p, base)
		switch {
		case !ok || base == "":
		case rest == "" || rest == "/":
			return exactly
		case !boundary(rest[0]):
		case file(base[strings.LastIndexByte(base, '/')+1:]):
			found = within
		default:
			found = max(found, below)
		}
	}
	for _, prefix := range m.filter.prefix {
		if len(prefix) == len(p)+1 && prefix[len(p)] == '/' && prefix[:len(p)] == p {
			return exactly // /back for /back/*
		}
	}
	return found
}

// returnRoute finds the verify route for which a request is a return.
//
// Invariant: on a route's path, in any spelling, every request with a parameter of the
// provider or of ours is a return, whatever its method. Below the path, every request that
// could be one is, however its parameters are spread over address and body. Only
// a request with none of these goes on, and without cookies of those names. A body whose
// end isn't seen may contain anything, so it is a return, and is refused as too large.
func (h *Handler) returnRoute(r *http.Request, needsMatcher bool) (*Verify, error) {
	var under *Verify
	for _, v := range h.Verify {
		how := elsewhere
		if len(v.matchers) > 0 {
			ok, err := v.matchers.AnyMatchWithError(r)
			if err != nil {
				return nil, err
			}
			if ok {
				how = exactly
			}
		} else {
			how = v.relates(r, needsMatcher)
		}
		switch how {
		case exactly:
			if h.isReturn(r, v) {
				return v, nil
			}
			v.withoutCookies(r)
		case below, within:
			if under == nil && v.couldReturn(r, how) {
				under = v
				continue
			}
			v.withoutCookies(r)
		}
	}
	return under, nil
}

// sole reports whether the site has no other route of the gateway of this one.
func (t *returnRequest) sole() bool {
	routes := 0
	for _, h := range t.h.sites.all() {
		if !h.owns(t.site.id) {
			continue
		}
		for _, v := range h.Verify {
			if payment.SameMoney(v.route.provider.terms.Issuer, t.v.route.provider.terms.Issuer) {
				routes++
			}
		}
	}
	return routes == 1
}

// isReturn: on the route's own path.
func (h *Handler) isReturn(r *http.Request, v *Verify) bool {
	if v.route.guarded.Carries(r.URL.RawQuery) {
		return true
	}
	if b, ok := bodyOf(r); ok && (b.long || b.unread || v.carriedBy(r, b)) {
		return true
	}
	// A redirect on the way back (http to https, one name to another) turns a POST into a
	// GET. Then only the cookies remain that the browser got before it left. The shop's own
	// links to this path come from the shop.
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "same-site":
		return false
	}
	return token.HasCookie(r, familyPending, h.view(r))
}

// couldReturn: the request is below the route's path and could be a return. Below a script
// the script answers; below a directory there are other pages.
func (v *Verify) couldReturn(r *http.Request, how relation) bool {
	query, marks := r.URL.RawQuery, v.route.provider.terms.Marks
	if how == within && v.route.guarded.Carries(query) || ours.Carries(query) || params.CarriesAll(query, marks) {
		return true
	}
	b, ok := bodyOf(r)
	switch {
	case !ok:
		return false
	case b.long && (how == within || b.plain):
		return true // no form of a page is as large; files are uploaded as multipart
	case b.unread && (how == within || b.plain || b.inParts):
		return true
	case how == within && v.carriedBy(r, b):
		return true
	}
	return ours.Carries(b.form) || b.carriesMarks(query, marks)
}

// withoutCookies removes cookies with the names of parameters that the request does not
// have, because PHP may read a cookie in place of a parameter.
func (v *Verify) withoutCookies(r *http.Request) {
	if lines := r.Header["Cookie"]; len(lines) > 0 {
		r.Header["Cookie"] = v.route.guarded.Cookies(lines)
	}
}

// ours are our own parameters.
var ours = params.NewNames(token.ParamRef, paramBounce, payment.ParamSignature)

// carriedBy looks for a guarded name in a body. In a body of another type than a return's it is
// enough that the name occurs, because that body is refused.
func (v *Verify) carriedBy(r *http.Request, b brief) bool {
	if len(b.raw) > 0 && len(r.Header["Content-Type"]) == 0 || v.route.guarded.Carries(b.form) {
		return true
	}
	return !b.plain && slices.ContainsFunc(v.route.provider.terms.Params, func(name string) bool { return bytes.Contains(b.raw, []byte(name)) })
}

func isForm(r *http.Request) bool {
	t := r.Header.Get("Content-Type")
	return len(t) >= len(formType) && strings.EqualFold(t[:len(formType)], formType)
}

// brief is what a request's body says, whatever the method: a shop that reads php://input
// does not ask for it.
type brief struct {
	// kinds say what readers take the body's type for.
	kinds
	// raw is the body, or the beginning of a long one.
	raw []byte
	// form is what [asQuery] makes of it.
	form string
	// long: the end isn't seen. unread: a shop may read it, and we can't.
	long, unread bool
}

// bodyOf reads a body and puts it back; false if there is none.
func bodyOf(r *http.Request) (brief, bool) {
	raw, ok := peek(r, params.MaxBytes+1)
	if !ok {
		return brief{}, false
	}
	form, err := asQuery(r)
	return brief{kinds: kindsOf(r), raw: raw, form: string(form), long: len(raw) > params.MaxBytes, unread: err != nil}, true
}

// carriesMarks: the address and the body have all of a provider's marks between them. In a
// body that is no plain form it is enough that a name occurs.
func (b brief) carriesMarks(query string, marks []string) bool {
	for _, name := range marks {
		if !params.CarriesAllIn([]string{name}, query, b.form) && (b.plain || !bytes.Contains(b.raw, []byte(name))) {
			return false
		}
	}
	return len(marks) > 0
}

// peek reads the beginning of a body, whatever the method, and puts it back.
func peek(r *http.Request, most int) ([]byte, bool) {
	if bodyless(r) {
		return nil, false
	}
	was := r.Body
	begun, err := io.ReadAll(io.LimitReader(was, int64(most)))
	rest := io.Reader(was)
	if err != nil {
		rest = failed{err}
	}
	r.Body = &peeked{Reader: io.MultiReader(bytes.NewReader(begun), rest), Closer: was}
	return begun, true
}

// bodyless: a request has no body that anybody could read.
func bodyless(r *http.Request) bool {
	return r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0
}

// peeked is a body whose beginning was read.
type peeked struct {
	io.Reader
	io.Closer
}

// failed stands for the rest of a body that broke off.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }
