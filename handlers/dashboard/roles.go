package dashboard

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// role is what a user may do.
type role int

const (
	nobody role = iota
	viewer
	decider
)

// errViewer: a user who may only look wants to decide.
var errViewer = errors.New("this user may look and not decide")

// authPrefix is what a role's placeholder must begin with: only what an authenticating
// handler has set is believed. A header or a cookie is whatever the browser says.
const authPrefix = "{http.auth.user."

func (h *Handler) checkRoles() error {
	if h.Role != "" && (!strings.HasPrefix(h.Role, authPrefix) || strings.Count(h.Role, "{") != 1 || !strings.HasSuffix(h.Role, "}")) {
		return errors.New("role must be one placeholder of the authenticating handler, such as {http.auth.user.role}: anything else could be forged")
	}
	if h.Role != "" && len(h.Deciders) > 0 {
		return errors.New("write `role` or `decide`, not both: each says who may decide")
	}
	return nil
}

// roleOf is what a user may do. Without `role` and `decide` every user may decide.
//
// Invariant: who is not known to be a decider changes nothing; the forms that a page
// leaves out are refused all the same.
func (h *Handler) roleOf(r *http.Request, user string) role {
	switch {
	case user == "":
		return nobody
	case h.Role != "":
		repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
		if !ok {
			return nobody
		}
		words := strings.FieldsFunc(repl.ReplaceAll(h.Role, ""), func(c rune) bool { return c == ' ' || c == ',' || c == ';' })
		switch {
		case slices.Contains(words, "decide"):
			return decider
		case slices.Contains(words, "view"):
			return viewer
		}
		return nobody
	case len(h.Deciders) > 0 && !slices.Contains(h.Deciders, user):
		return viewer
	}
	return decider
}
