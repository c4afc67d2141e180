package handlers

import (
	"net/http"
	"net/url"
	"strings"
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

// watch lets a request go on to what follows, if every gate that takes it is
// open, and reads the shop's announcements: its redirect to a provider's pay page
// passes through us, and two headers on it are an intent, in one trusted
// message. So may a landing page, paid content or a return that is passed on be
// answered. caching, if not empty, is what the answer says to caches, whatever it
// said.
func (h *Handler) watch(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, caching string) error {
	var passed uint64
	if page, _ := h.ask(w, r, &passed); page != nil {
		return page(w, r)
	}
	if passed != 0 {
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
	f.announcement(status, header)
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
	ret, route := h.announcedReturn(r, p, header.Get(headerReturn))
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
	privately(header, forNobody)
	token.SetCookie(w, cookiePending, keys.SignRef(rec.Ref, site.id), time.Hour, h.secureView(r))
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

// announcedReturn is the address that the customer comes back to, if the shop
// said so and a verify route of this site takes it.
func (h *Handler) announcedReturn(r *http.Request, p *provider, address string) (*payment.Return, string) {
	var mine []*Verify
	for _, v := range h.Verify {
		if v.Provider == p.Name {
			mine = append(mine, v)
		}
	}
	u, err := url.Parse(address)
	if address == "" || err != nil || u.Host != "" && !strings.EqualFold(u.Host, r.Host) && !strings.EqualFold(u.Host, h.place().host) {
		return nil, ""
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	probe := *r
	probe.URL = u
	for _, v := range mine {
		if len(v.matchers) > 0 && len(mine) > 1 {
			return nil, "" // whether this one takes it only the return tells
		}
		if len(v.matchers) > 0 || v.filter.match(&probe) {
			uri := path
			if u.RawQuery != "" {
				uri += "?" + u.RawQuery
			}
			return &payment.Return{Method: http.MethodGet, Secure: h.secureView(r), Host: r.Host, URI: uri}, v.route.name
		}
	}
	return nil, ""
}
