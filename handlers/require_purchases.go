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

// heldPurchase is the cookie of a purchase.
type heldPurchase struct {
	token.Named
	token.Paid
	// rank is whose it is, turn where it stands among the cookies.
	rank, turn int
}

// Whose the cookie of a purchase is: the browser's that pressed Pay, a device's that opened
// it by a link, or else a copy.
const (
	ownPurchase = iota
	linkedPurchase
	copiedPurchase
)

// purchases returns the purchases whose cookies a browser shows, its own first.
//
// Its invariant: no cookie that somebody plants keeps out a browser's own, neither one that we
// did not sign nor one that we signed for another browser: a stranger can press Pay as well.
func (h *Handler) purchases(r *http.Request, keys *token.Keys) (found []heldPurchase) {
	view, now, names := h.view(r), time.Now(), h.siteOf(r).names
	browser := ""
	if id := token.ReadCookie(r, cookieBrowser, view); id != "" {
		browser = token.ShortHash(id)
	}
	token.EachCookie(r, familyPaid, view, func(c token.Named) bool {
		p, err := keys.OpenPaid(c.Value, names, now)
		if err != nil {
			return true
		}
		rank := copiedPurchase
		switch {
		case p.Browser == anotherDevice:
			rank = linkedPurchase
		case browser != "" && p.Browser == browser:
			rank = ownPurchase
		}
		found = append(found, heldPurchase{c, p, rank, len(found)})
		return true
	})
	slices.SortStableFunc(found, func(a, b heldPurchase) int { return a.rank - b.rank })
	return found[:min(len(found), token.MaxCookies)]
}

// forgetPurchases makes room for the cookie of one more purchase. It deletes first what we
// did not sign and cookies of unpaid payments, so that neither what somebody plants nor
// pressing Pay can drive out a purchase.
func (h *Handler) forgetPurchases(w http.ResponseWriter, r *http.Request, keys *token.Keys, size int) {
	secure := h.view(r)
	held := h.purchases(r, keys)
	slices.SortFunc(held, func(a, b heldPurchase) int { return a.turn - b.turn }) // the oldest first
	now, names := time.Now(), h.siteOf(r).names
	old := token.ReadCookies(r, familyPaid, secure, func(value string) bool {
		_, err := keys.OpenPaid(value, names, now)
		return err != nil
	})
	old = old[:min(len(old), token.MaxCookies-len(held))]
	for _, p := range held {
		old = append(old, p.Named)
	}
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
		gone := old[i]
		size -= cookieSize(gone, secure)
		old = slices.Delete(old, i, i+1)
		// A planted cookie may have the name of ours, which would be deleted with it.
		if !slices.ContainsFunc(old, func(c token.Named) bool { return c.Name == gone.Name }) {
			token.DropCookie(w, familyPaid+gone.Name, secure)
		}
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
	if !token.HasCookie(r, familyPaid, h.view(r)) {
		return false
	}
	eng, keys, err := h.ready(r.Context())
	if err != nil {
		return false
	}
	return slices.ContainsFunc(h.purchases(r, keys), func(p heldPurchase) bool {
		rec, err := eng.Store.Get(r.Context(), p.Ref)
		return err == nil && rec.State.Captured() && rec.Expect.Item == sku
	})
}
