package handlers

import (
	"net/http"
	"net/url"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

// The response headers of an announcement, in canonical form.
const (
	headerOrder  = "X-Payment-Order"
	headerAmount = "X-Payment-Amount"
	headerReturn = "X-Payment-Return"
)

// watch reads the shop's announcements: its redirect to a provider's pay page
// passes through us, and two headers on it are an intent, in one trusted
// message. So may a landing page, paid content or a return that is passed on be
// answered. caching, if not empty, is what the answer says to caches, whatever it
// said.
func (h *Handler) watch(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, caching string) error {
	f := &watcher{h: h, r: r, caching: caching}
	f.ResponseWriter = w
	f.reader = f
	err := f.serve(next, r)
	if err != nil && f.status == 0 && caching != "" {
		w.Header()["Cache-Control"] = []string{caching} // of the error page, too
	}
	return err
}

// watcher is the filter of an ordinary request, in one allocation.
type watcher struct {
	filter
	h       *Handler
	r       *http.Request
	caching string
}

// answered implements headerReader.
func (f *watcher) answered(status int, header http.Header) {
	if f.h.Announce != "off" {
		f.announcement(status, header)
	}
	if f.caching != "" {
		header["Cache-Control"] = []string{f.caching}
	}
}

// announcement looks whether the shop sends its customer to a pay page of ours.
func (f *watcher) announcement(status int, header http.Header) {
	if status < 300 || status > 399 || len(header["Location"]) == 0 {
		return
	}
	u, err := url.Parse(header.Get("Location"))
	if err != nil || u.Host == "" {
		return
	}
	for _, p := range f.h.ours {
		if id, ok := p.PayPage(u); ok {
			f.h.announced(f, f.r, p, id, header)
			return
		}
	}
}

// announced records an announcement before the browser is let go to the bank.
func (h *Handler) announced(w http.ResponseWriter, r *http.Request, p *provider, id string, header http.Header) {
	order, amountText := header.Get(headerOrder), header.Get(headerAmount)
	if order == "" && amountText == "" {
		h.noted(r, p, id)
		return
	}
	site := h.siteOf(r)
	log := h.log.With(zap.String("provider", p.Name), zap.String("site", site.id))
	amount, err := payment.ParseRials(amountText)
	if err != nil || payment.CheckOrder(order) != nil {
		log.Error("the shop's announcement cannot be read: X-Payment-Order must have 1 to 64 bytes, X-Payment-Amount whole rials")
		return
	}
	ret, route, why := h.announcedReturn(r, p, header.Get(headerReturn))
	if why != nil {
		log.Error("the return address that the shop announced cannot be used, so the payment is not asked for by itself", zap.String("order", order), zap.Error(why))
	}
	keys, err := h.allKeys(r.Context())
	if err != nil {
		log.Error("an announcement was not recorded", zap.Error(err))
		return
	}
	eng, err := h.app.Engine(r.Context())
	if err != nil {
		log.Error("an announcement was not recorded", zap.Error(err))
		return
	}
	rec, err := eng.Announce(r.Context(), engine.Announcement{
		Site: site.id, Route: route, Provider: p.Name, ID: id, Order: order, Amount: amount,
		Return: ret, Track: h.currentTrack(r, keys),
	})
	if err != nil {
		log.Error("an announcement was not recorded", zap.Error(err))
		return
	}
	header.Set("Cache-Control", privately(header.Get("Cache-Control")))
	token.SetCookie(w, cookiePending, keys.SignRef(rec.Ref, site.id), time.Hour, h.view(r))
}

// noted keeps the visitor's track for a payment that the shop did not announce:
// such a redirect proves nothing, and an open redirect could make it, but whose
// visit it was is known now and perhaps not later.
func (h *Handler) noted(r *http.Request, p *provider, id string) {
	if len(h.Track) == 0 {
		return
	}
	keys, err := h.allKeys(r.Context())
	if err != nil {
		return
	}
	t := h.currentTrack(r, keys)
	if t == nil {
		return
	}
	eng, err := h.app.Engine(r.Context())
	if err != nil {
		return
	}
	if err := eng.Note(r.Context(), p.traits.Issuer, id, *t); err != nil {
		h.log.Warn("whose visit a payment began with was not noted", zap.String("provider", p.Name), zap.Error(err))
	}
}

// cookiePending leads from a browser to the payment that it was sent to pay,
// for providers whose return carries no id.
const cookiePending = "pending"
