package handlers

import (
	"net/http"
	"slices"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

// mostPurchases bounds the bytes of all cookies of purchases together. Servers accept about
// 8,000 bytes for a whole request, and the shop has its own cookies.
const mostPurchases = 4 << 10

// forgetPurchases makes room for the cookie of one more purchase. It deletes cookies of unpaid
// payments first, so that pressing Pay can't drive out a purchase.
func (h *Handler) forgetPurchases(w http.ResponseWriter, r *http.Request, keys *token.Keys, size int) {
	secure := h.view(r)
	old := token.ReadCookies(r, familyPaid, secure)
	size += len(token.CookieName(familyPaid, secure)) + paidName
	for _, c := range old {
		size += cookieSize(c, secure)
	}
	over := func() bool { return len(old) >= token.MaxCookies || size > mostPurchases }
	if !over() {
		return
	}
	eng, err := h.app.Engine(r.Context())
	if err != nil {
		return
	}
	drop := func(i int) {
		token.DropCookie(w, familyPaid+old[i].Name, secure)
		size -= cookieSize(old[i], secure)
		old = slices.Delete(old, i, i+1)
	}
	for i := 0; i < len(old) && over(); {
		if h.purchaseOf(r, eng, keys, old[i]) == nil {
			drop(i)
		} else {
			i++
		}
	}
	for over() && len(old) > 0 {
		drop(0)
	}
}

func cookieSize(c token.Named, secure token.View) int {
	return len(token.CookieName(familyPaid, secure)) + len(c.Name) + len(c.Value) + len("=; ")
}

// purchaseOf returns the paid payment of a cookie, nil if nothing was paid.
func (h *Handler) purchaseOf(r *http.Request, eng *engine.Engine, keys *token.Keys, c token.Named) *payment.Record {
	p, err := keys.OpenPaid(c.Value, h.siteOf(r).names, time.Now())
	if err != nil {
		return nil
	}
	rec, err := eng.Store.Get(r.Context(), p.Ref)
	if err != nil || !rec.State.Captured() {
		return nil
	}
	return rec
}

// bought reports whether this browser has bought an item already.
func (h *Handler) bought(r *http.Request, sku string) bool {
	cookies := token.ReadCookies(r, familyPaid, h.view(r))
	if len(cookies) == 0 {
		return false
	}
	eng, keys, err := h.ready(r.Context())
	if err != nil {
		return false
	}
	return slices.ContainsFunc(cookies, func(c token.Named) bool {
		rec := h.purchaseOf(r, eng, keys, c)
		return rec != nil && rec.Expect.Item == sku
	})
}
