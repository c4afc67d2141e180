package handlers

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// away returns the answers of a verify route that may lead elsewhere, by the names of
// their options.
func (v *Verify) away() map[string]*Answer {
	return map[string]*Answer{"declined": v.Declined, "duplicate": v.Duplicate}
}

// comesBack refuses a redirect to a path of this site that a verify route takes,
// however its address is written: who is sent there would be taken for a customer
// who brings a return that names no payment.
func (h *Handler) comesBack(p *place) error {
	for _, v := range h.Verify {
		for option, a := range v.away() {
			if a.mode() != answerRedirect {
				continue
			}
			u, err := url.Parse(a.To)
			if err != nil || u.Host != "" && !p.calls(hostName(u.Host)) {
				continue
			}
			path := cmp.Or(u.EscapedPath(), "/")
			for _, other := range h.Verify {
				if len(other.Paths) > 0 && slices.ContainsFunc(p.inner(path), other.filter.takes) {
					return fmt.Errorf("`%s`: %s redirect %s: `%s` takes that address, so it would be taken for a return that names no payment; write a page of the shop, such as /cart",
						v.line(), option, a.To, other.line())
				}
			}
		}
	}
	return nil
}

// line returns how the route is written.
func (v *Verify) line() string {
	if len(v.Paths) == 0 {
		return "verify @… " + v.Provider
	}
	return "verify " + strings.Join(v.Paths, " ") + " " + v.Provider
}

// calls reports whether a host is one of the site's names, as far as they are written.
func (p *place) calls(name string) bool {
	bare := strings.TrimPrefix(name, "www.")
	is := func(own string) bool { return strings.TrimPrefix(own, "www.") == bare }
	return p.site != nil && slices.ContainsFunc(p.site.names, func(id string) bool { return is(hostOf(id)) }) ||
		slices.ContainsFunc(p.hosts.names, is) || slices.ContainsFunc(p.hosts.patterns, func(pattern string) bool { return fits(pattern, name) })
}

// inner returns the paths that the handler may see of one that a browser asks for: a
// proxy in front, or a handle_path, may take the shop's own off.
func (p *place) inner(path string) []string {
	all := []string{path, path + "/"}
	if bare := strings.TrimRight(path, "/"); bare != "" {
		all = append(all, bare)
	}
	if p.site != nil && p.site.path != "" && under(path, p.site.path) {
		if rest := strings.TrimPrefix(path, p.site.path); rest != "" {
			all = append(all, rest)
		}
	}
	return all
}
