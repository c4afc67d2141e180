package handlers

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/internal/pages"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

// defaultDevices is on how many devices a purchase may be opened in 30 days.
const defaultDevices = 5

func (q *Require) provision(ctx caddy.Context) error {
	if err := q.Match.provision(ctx); err != nil {
		return err
	}
	if q.any() {
		return errors.New("a path or a matcher is missing")
	}
	if len(q.Items) == 0 {
		return errors.New("`item` is missing: which purchase opens this")
	}
	if q.Devices == 0 {
		q.Devices = defaultDevices
	}
	if q.Devices < 0 {
		return errors.New("devices must be more than 0")
	}
	return nil
}

// serveRequire lets in whoever has bought one of the items: the cookies say
// which payments this browser started, the ledger whether one is paid.
func (h *Handler) serveRequire(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, q *Require) error {
	w.Header().Set("Cache-Control", "private, no-store")
	view := h.view(r)
	cookies := token.ReadCookies(r, familyPaid, view)
	if len(cookies) == 0 {
		return h.unpaid(w, r, q)
	}
	keys, err := h.allKeys(r.Context())
	if err != nil {
		return h.write(w, r, pages.Page{Kind: pages.Unavailable}, err)
	}
	eng, err := h.app.Engine(r.Context())
	if err != nil {
		return h.write(w, r, pages.Page{Kind: pages.Unavailable}, err)
	}
	device, site := token.Hash(h.browserID(w, r)), h.siteOf(r)
	crowded := false
	for _, c := range cookies {
		p, err := keys.OpenPaid(c.Value, site.names, time.Now())
		if err != nil {
			continue
		}
		_, room, err := eng.Open(r.Context(), p.Ref, site.id, q.Items, device, q.Devices)
		switch {
		case errors.Is(err, payment.ErrNotFound):
			continue
		case err != nil:
			return h.write(w, r, pages.Page{Kind: pages.Unavailable}, err)
		case room:
			return h.private(w, r, next)
		}
		crowded = true
	}
	if crowded {
		return h.write(w, r, pages.Page{Kind: pages.DevicesExceeded, ShopURL: "/"}, nil)
	}
	return h.unpaid(w, r, q)
}

// private keeps paid content out of caches, whatever the file server says.
func (h *Handler) private(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return h.watch(w, r, next, "private, no-store")
}

// unpaid shows where to buy what is required.
func (h *Handler) unpaid(w http.ResponseWriter, r *http.Request, q *Require) error {
	page := pages.Page{Kind: pages.NeedPayment, ShopURL: "/"}
	for _, c := range h.Checkout {
		if q.Checkout != "" && c.Path != strings.TrimRight(q.Checkout, "/") {
			continue
		}
		for i := range c.Items {
			for _, want := range q.Items {
				if c.Items[i].SKU == want {
					page.Offers = append(page.Offers, pages.Offer{
						Title: c.Items[i].title(), Amount: payment.Rials(c.Items[i].Amount), URL: c.Path + "/" + want,
					})
				}
			}
		}
	}
	if len(page.Offers) == 0 && q.Checkout != "" {
		page.Offers = []pages.Offer{{Title: strings.Join(q.Items, ", "), URL: q.Checkout}}
	}
	return h.write(w, r, page, nil)
}
