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
// said.
func (h *Handler) watch(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, caching string) error {
	var passed passes
	if page, _ := h.ask(w, r, &passed); page != nil {
		return page(w, r)
	}
	if passed.any() {
		caching = forNobody
	}
	f := &watcher{}
	f.ResponseWriter = w
	f.caching = caching
	f.guards(h, r, passed)
	if h.Announce != "off" {
		f.reader = f
	}
	return f.serve(next, r)
}

// watcher is the filter of an ordinary request, in one allocation.
type watcher struct {
	filter
}

// answered implements headerReader.
func (f *watcher) answered(status int, header http.Header) {
	f.h.sendOn(status, header)
	f.announcement(status, header)
}

// announcement looks whether the shop sends its customer to pay, and says so.
func (f *watcher) announcement(status int, header http.Header) {
	p, id := f.h.payPage(status, header)
	announces := len(header[headerOrder]) > 0 || len(header[headerAmount]) > 0 || len(header[headerID]) > 0
	if p == nil && !announces {
		if len(f.h.Track) > 0 {
			f.links = seeker(f.r, header)
		}
		return
	}
	h := f.h.announcedTo(f.r, status, header)
	if h != f.h {
		p, id = h.payPage(status, header)
	}
	if !announces {
		if p != nil {
			h.noted(f.r, p, id)
		}
		return
	}
	if err := h.announced(f.ResponseWriter, f.r, p, id, status, header); err != nil {
		h.log.Error("the customer was not sent to the bank: what the shop announced can't be remembered", zap.Error(err))
		f.refuse(header["Set-Cookie"], func(w http.ResponseWriter, r *http.Request) error {
			return h.write(w, r, pages.Page{Kind: pages.NotStarted, ShopURL: h.home(r)}, err)
		})
	}
}

// announcedTo returns the block that an announcement concerns: of all that the request
// has met (a guard before a named route, a snippet), the one whose customers come
// back from that provider. Whichever watches the answer, it knows neither the
// other's routes nor its public_url.
func (h *Handler) announcedTo(r *http.Request, status int, header http.Header) *Handler {
	for _, other := range append([]*Handler{h}, met(r)...) {
		name := header.Get(headerName)
		if p, _ := other.payPage(status, header); p != nil {
			name = p.Name
		}
		if other.Announce != "off" && (slices.ContainsFunc(other.Verify, func(v *Verify) bool { return name == "" || v.Provider == name }) ||
			slices.ContainsFunc(other.Observe, func(o *Observe) bool { return name == "" || o.Provider == name })) {
			return other
		}
	}
	return h
}

// payPage returns the provider whose pay page an answer redirects to, and the id in
// its address.
func (h *Handler) payPage(status int, header http.Header) (*provider, string) {
	if status < 300 || status > 399 || len(header["Location"]) == 0 {
		return nil, ""
	}
	u, err := url.Parse(header.Get("Location"))
	if err != nil || u.Host == "" {
		return nil, ""
	}
	return h.pageAt(u)
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
// visit it was is known now and perhaps not later.
func (h *Handler) noted(r *http.Request, p *provider, id string) {
	if len(h.Track) == 0 {
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
	if err := eng.Note(ctx, p.terms.Issuer, id, *t); err != nil {
		h.log.Warn("the affiliate visit with which a payment began was not recorded", zap.String("provider", p.Name), zap.Error(err))
	}
}
