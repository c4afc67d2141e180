package handlers

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/internal/pages"
	"github.com/rahgir/caddy-payments/payment"
)

// paidVar is the verified payment that a request delivers.
const paidVar = "payments.paid"

// gating is what a filter needs for the final look at the gates.
//
// Invariant: no answer for a path that a `require` of the site covers leaves unless that
// require is satisfied. Both the path of the request and the path that is served in the end
// count, and every require that covers one of them. A gate withholds answers, not effects:
// the handlers below have run.
type gating struct {
	h *Handler
	r *http.Request
	// u is the request's address. Caddy's handlers copy the request (tracing,
	// forward_auth, handle_response, handle_errors), but not this.
	u *url.URL
	// seen is the path for which the gates were asked before.
	seen string
	// passed are the numbers of the gates that are open to this request.
	passed passes
	// kept are the response's cookies from before the handler chain began.
	kept []string
	// sites are the sites whose gates are asked in error routes, for every path.
	sites []*Handler
	// unmet: the request was refused before it met any of them.
	unmet bool
}

// guards prepares the final look at the gates of h.
func (f *filter) guards(h *Handler, r *http.Request, passed passes) {
	f.gating = gating{h: h, r: r, u: r.URL, seen: r.URL.Path, passed: passed, kept: f.ResponseWriter.Header()["Set-Cookie"]}
}

// lookAgain asks the gates of the path that is served in the end.
func (f *filter) lookAgain() {
	for _, h := range f.sites {
		var passed passes
		page, shut := h.ask(f.ResponseWriter, f.request(), &passed)
		if page != nil {
			if f.unmet && !h.place().hosts.takes(hostName(f.r.Host)) {
				page = needPayment
			}
			f.refuse(f.kept, page)
			f.refused.shut = shut
			return
		}
		if passed.any() {
			f.passed = passed // of a site's own gates: here it says only that there was one
		}
	}
	if f.h == nil || len(f.h.Require) == 0 || f.u.Path == f.seen && !f.h.matched {
		return
	}
	page, shut := f.h.ask(f.ResponseWriter, f.request(), &f.passed)
	if page != nil {
		f.refuse(f.kept, page)
		f.refused.shut = shut
	}
}

// needPayment answers for a gate of another site's: nothing of that site.
func needPayment(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", forNobody)
	pages.Write(w, r, pages.Page{Kind: pages.NeedPayment})
	return nil
}

// request returns the request with the address that is served.
func (f *filter) request() *http.Request {
	if f.r.URL == f.u {
		return f.r
	}
	r := *f.r
	r.URL = f.u
	return &r
}

// passes are the gates that are open to a request, by number. The first 64 cost no
// allocation.
type passes struct {
	first uint64
	more  map[int]bool
}

func (p *passes) has(i int) bool {
	if i < 64 {
		return p.first&(1<<i) != 0
	}
	return p.more[i]
}

func (p *passes) add(i int) {
	switch {
	case i < 64:
		p.first |= 1 << i
	case p.more == nil:
		p.more = map[int]bool{i: true}
	default:
		p.more[i] = true
	}
}

func (p *passes) any() bool { return p.first != 0 || len(p.more) > 0 }

// ask asks every gate that covers a request and is not open to it yet. It returns the answer
// that replaces the guarded content, or nil if all gates are open. shut is false if that
// can't be known now.
func (h *Handler) ask(w http.ResponseWriter, r *http.Request, passed *passes) (page answerer, shut bool) {
	if len(h.Require) == 0 {
		return nil, false
	}
	h.indexed.Do(h.readIndexNames)
	needs := needsMatcher(r.URL.Path)
	for i, q := range h.Require {
		if passed.has(i) {
			continue
		}
		ok, err := q.takes(r, needs)
		switch {
		case err != nil:
			return func(http.ResponseWriter, *http.Request) error { return err }, false
		case !ok:
			continue
		case h.delivers(r, q):
		default:
			if page, shut = h.open(w, r, q); page != nil {
				return page, shut
			}
		}
		passed.add(i)
	}
	return nil, false
}

// readIndexNames reads the names of the files by which directories are served. It runs with
// the first request, because only then all routes are provisioned.
func (h *Handler) readIndexNames() {
	if h.server == nil {
		return
	}
	names := indexNames(h.server)
	for _, q := range h.Require {
		q.guarded = newResource(q.filter, q.plain(), names)
	}
}

// takes reports whether a gate covers a request.
func (q *Require) takes(r *http.Request, needsMatcher bool) (bool, error) {
	if len(q.matchers) > 0 {
		return q.matchers.AnyMatchWithError(r)
	}
	return q.guarded.takes(r, needsMatcher), nil
}

// delivers: the request delivers a payment that opens this gate.
func (h *Handler) delivers(r *http.Request, q *Require) bool {
	rec, ok := caddyhttp.GetVar(r.Context(), paidVar).(*payment.Record)
	return ok && rec != nil && slices.Contains(q.Items, rec.Expect.Item)
}
