package handlers

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/internal/pages"
)

// The response headers of an announcement, in canonical form.
const (
	headerOrder  = "X-Payment-Order"
	headerAmount = "X-Payment-Amount"
	headerReturn = "X-Payment-Return"
	headerID     = "X-Payment-Id"
	headerName   = "X-Payment-Provider"
)

// watch lets a request go on to what follows, if every gate that takes it is
// open, and reads the shop's announcements: its answer that sends the customer to
// pay passes through us, and the headers on it are an intent, in one trusted
// message. So may a landing page, paid content or a return that is passed on be
// answered. caching, if not empty, is what the answer says to caches, whatever it
// said. visit, if any, is one that a redirect to another host takes along.
func (h *Handler) watch(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, caching string, visit *onward) error {
	var passed passes
	if page, _ := h.ask(w, r, &passed); page != nil {
		return page(w, r)
	}
	if passed.any() {
		caching = forNobody
	}
	f := &watcher{visit: visit}
	f.ResponseWriter = w
	f.caching = caching
	f.guards(h, r, passed)
	if h.Announce != "off" || visit != nil {
		f.reader = f
	}
	return f.serve(next, r)
}

// watcher is the filter of an ordinary request, in one allocation.
type watcher struct {
	filter
	// visit was taken off the request's path; nil if none was.
	visit *onward
}

// answered implements headerReader.
func (f *watcher) answered(status int, header http.Header) {
	if f.visit != nil {
		f.leadOn(status, header)
	}
	if f.h.Announce != "off" {
		f.h.sendOn(status, header)
		f.announcement(status, header)
	}
}

// announcement looks whether the shop sends its customer to pay, and says so.
func (f *watcher) announcement(status int, header http.Header) {
	to := leadsTo(status, header)
	var all []payee
	var id string
	if to != nil {
		all, id = f.h.payees(f.r, to)
	}
	announces := len(header[headerOrder]) > 0 || len(header[headerAmount]) > 0 || len(header[headerID]) > 0
	if !announces {
		if len(all) > 0 {
			f.h.noted(f.r, all, id)
		} else if mayBeJSON(f.r, header) && f.h.tracker(f.r) != nil {
			f.links = seeker(f.r, header)
		}
		return
	}
	page := len(all) > 0
	all, id, wrong := f.h.announcedFor(f.r, all, id, header)
	for _, c := range all {
		a := announcement{provider: c.p, id: id, order: header.Get(headerOrder), page: page}
		if err := c.h.announced(f.ResponseWriter, f.r, a, wrong, status, header); err != nil {
			c.h.log.Error("the customer was not sent to the bank: what the shop announced can't be remembered", zap.Error(err))
			f.refuse(header["Set-Cookie"], func(w http.ResponseWriter, r *http.Request) error {
				return c.h.write(w, r, pages.Page{Kind: pages.NotStarted, ShopURL: c.h.home(r)}, err)
			})
			return
		}
	}
}

// payPage returns the provider whose pay page an answer redirects to, and the id in
// its address.
func (h *Handler) payPage(status int, header http.Header) (*provider, string) {
	if to := leadsTo(status, header); to != nil {
		return h.pageAt(to)
	}
	return nil, ""
}

// leadsTo returns the address on some host that an answer redirects to, else nil.
func leadsTo(status int, header http.Header) *url.URL {
	if status < 300 || status > 399 || len(header["Location"]) == 0 {
		return nil
	}
	u, err := url.Parse(header.Get("Location"))
	if err != nil || u.Host == "" {
		return nil
	}
	return u
}

// pageAt returns the provider whose pay page an address is, and the id in it.
func (h *Handler) pageAt(u *url.URL) (*provider, string) {
	for _, p := range h.ours {
		if id, ok := p.PayPage(u); ok {
			return p, id
		}
	}
	return nil, ""
}

// noted keeps the visitor's track for a payment that the shop did not announce:
// such a redirect proves nothing, and an open redirect could make it, but whose
// visit it was is known now and perhaps not later. Which of several accounts is
// paid shows when the customer comes back.
func (h *Handler) noted(r *http.Request, all []payee, id string) {
	if h = h.tracker(r); h == nil {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), announceTime)
	defer cancel()
	keys, err := h.allKeys(ctx)
	if err != nil {
		return
	}
	t := h.currentTrack(r, keys)
	if t == nil {
		return
	}
	eng, err := h.app.Engine(ctx)
	if err != nil {
		return
	}
	var done []string
	for _, c := range all {
		if slices.Contains(done, c.p.terms.Issuer) {
			continue
		}
		done = append(done, c.p.terms.Issuer)
		if err := eng.Note(ctx, c.p.terms.Issuer, id, *t); err != nil {
			h.log.Warn("the affiliate visit with which a payment began was not recorded", zap.String("provider", c.p.Name), zap.Error(err))
		}
	}
}

// tracker returns the block of those that a request has met that keeps its visitors' tracks,
// nil without one.
func (h *Handler) tracker(r *http.Request) *Handler {
	if len(h.Track) > 0 {
		return h
	}
	for _, b := range met(r) {
		if len(b.Track) > 0 {
			return b
		}
	}
	return nil
}
