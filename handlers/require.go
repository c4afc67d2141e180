package handlers

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/catalogue"
	"github.com/rahgir/caddy-payments/internal/pages"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

// defaultDevices is how many devices may open a purchase within 30 days.
const defaultDevices = 5

func (q *Require) provision(ctx caddy.Context) error {
	if err := q.Match.provision(ctx); err != nil {
		return err
	}
	if q.any() {
		return errors.New("a path or a matcher is missing")
	}
	q.guarded = newResource(q.filter, q.plain(), nil)
	if len(q.Items) == 0 {
		return errors.New("`item` is missing: which purchase opens this")
	}
	if q.Devices = cmp.Or(q.Devices, defaultDevices); q.Devices < 0 {
		return errors.New("devices must be more than 0")
	}
	return nil
}

// open lets in visitors who have bought one of the items. The cookies say which payments this
// browser started, and the ledger whether one is paid. For other visitors it returns the
// answer; shut is false if the ledger can't be asked.
func (h *Handler) open(w http.ResponseWriter, r *http.Request, q *Require) (page answerer, shut bool) {
	if !token.HasCookie(r, familyPaid, h.view(r)) {
		return h.answers(h.unpaid(r, q), nil), true
	}
	eng, keys, err := h.ready(r.Context())
	if err != nil {
		return h.answers(pages.Page{Kind: pages.Unavailable}, err), false
	}
	browser, site := h.browserID(w, r), h.siteOf(r)
	crowded := false
	for _, p := range h.purchases(r, keys) {
		// One place is the buyer's, however many copies of the cookie come first.
		device, most := token.Hash(browser), q.Devices
		if p.Browser == token.ShortHash(browser) {
			device = engine.Buyer
		} else {
			most--
		}
		_, room, err := eng.Open(r.Context(), p.Ref, site.id, q.Items, device, most, site.formerly()...)
		switch {
		case errors.Is(err, payment.ErrNotFound):
			continue
		case err != nil:
			return h.answers(pages.Page{Kind: pages.Unavailable}, err), false
		case room:
			return nil, false
		}
		crowded = true
	}
	if crowded {
		return h.answers(pages.Page{Kind: pages.DevicesExceeded, ShopURL: h.home(r)}, nil), true
	}
	return h.answers(h.unpaid(r, q), nil), true
}

// answers returns a function that writes a page later.
func (h *Handler) answers(p pages.Page, cause error) answerer {
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Cache-Control", forNobody)
		return h.write(w, r, p, cause)
	}
}

// unpaid returns the page that says where to buy the item.
func (h *Handler) unpaid(r *http.Request, q *Require) pages.Page {
	page := pages.Page{Kind: pages.NeedPayment, ShopURL: h.home(r)}
	for _, c := range h.Checkout {
		if q.Checkout != "" && c.Path != strings.TrimRight(q.Checkout, "/") {
			continue
		}
		for _, want := range q.Items {
			if item := c.ware(want); item != nil {
				page.Offers = append(page.Offers, pages.Offer{
					Titles: item.titles(), Amount: item.Price, URL: h.linked(r, c.Path+"/"+url.PathEscape(want)),
				})
			}
		}
		if c.Receipt {
			page.Receipts = h.linked(r, c.Path+"/"+catalogue.Receipt)
		}
	}
	if len(page.Offers) == 0 && q.Checkout != "" {
		page.Offers = []pages.Offer{{Title: strings.Join(q.Items, ", "), URL: h.linked(r, q.Checkout)}}
	}
	return page
}
