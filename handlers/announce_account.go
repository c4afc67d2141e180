package handlers

import (
	"net/http"
	"net/url"
	"slices"
)

// payee is an account that an answer may send its customer to pay, and the block to whose
// route its customers come back.
type payee struct {
	h *Handler
	p *provider
}

// payees returns the accounts whose pay page an address is, and the id in it: those to whose
// routes customers come back; without such a route, the first that is configured. Several
// accounts of one gateway share a pay page.
func (h *Handler) payees(r *http.Request, to *url.URL) (all []payee, id string) {
	for _, c := range h.announcingTo(r) {
		if of, ok := c.p.PayPage(to); ok {
			all, id = append(all, c), of
		}
	}
	if len(all) > 0 {
		return all, id
	}
	if p, id := h.pageAt(to); p != nil {
		return []payee{{h, p}}, id
	}
	return nil, ""
}

// announcingTo returns the accounts to whose routes customers of this request come back, in
// all blocks that it has met. Whichever block watches an answer (a guard before a named
// route, a snippet), it may know neither the other's routes nor its public_url.
func (h *Handler) announcingTo(r *http.Request) (all []payee) {
	for _, b := range append([]*Handler{h}, met(r)...) {
		if b.Announce == "off" {
			continue
		}
		for _, p := range b.announcing() {
			if !slices.ContainsFunc(all, func(c payee) bool { return c.h == b && c.p.Name == p.Name }) {
				all = append(all, payee{b, p})
			}
		}
	}
	return all
}

// meant returns the accounts of which an announced payment may be, as far as the shop says:
// by an account's name, or by a return address that only its route takes.
//
// Its invariant: no account is left out for its place in the configuration. A payment that is
// recorded for another account is found by nobody when its customer has paid.
func meant(r *http.Request, all []payee, header http.Header) []payee {
	if name := header.Get(headerName); name != "" {
		named := slices.DeleteFunc(slices.Clone(all), func(c payee) bool { return c.p.Name != name })
		if len(named) > 0 {
			all = named
		}
	}
	if back := header.Get(headerReturn); back != "" && len(all) > 1 {
		for _, c := range all {
			if ret, _, err := c.h.announcedReturn(r, c.p, back); err == nil && ret != nil {
				return []payee{c}
			}
		}
	}
	// One account may be in a block and in a snippet.
	var once []payee
	for _, c := range all {
		if !slices.ContainsFunc(once, func(o payee) bool { return o.p.Name == c.p.Name }) {
			once = append(once, c)
		}
	}
	return once
}

// concerned returns the block that an announcement of nobody knows whom concerns: one whose
// payments are lost without it, if there is one.
func concerned(all []payee) *Handler {
	for _, c := range all {
		if c.h.strict(nil) {
			return c.h
		}
	}
	return all[0].h
}
