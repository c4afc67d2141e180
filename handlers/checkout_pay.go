package handlers

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/pages"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

// purchase starts the payment and sends the browser to the bank.
func (h *Handler) purchase(w http.ResponseWriter, r *http.Request, c *Checkout, item *ware, f *filledForm) error {
	eng, keys, err := h.ready(r.Context())
	if err != nil {
		return h.write(w, r, pages.Page{Kind: pages.NotStarted, ShopURL: h.home(r)}, err)
	}
	g := c.gatewayNamed(f.gateway)
	site, back := h.siteOf(r), h.wayBack(r)
	p := engine.Purchase{
		Site: site.id, HostNamed: h.place().site == nil, Route: g.route.route.name, Provider: g.provider.Name, Order: token.NewOrder(),
		Item: donation, Amount: f.sum, Buyer: f.buyer,
	}
	if item != nil {
		p.Item, p.Title, p.Amount = item.SKU, item.titles().In(h.chosenLang(r)), item.Price*payment.Rials(f.pieces)
		if f.pieces > 1 {
			p.Quantity = f.pieces
		}
	}
	p.Track = h.currentTrack(r, keys)
	p.Ref = payment.CheckoutRef(site.id, g.provider.terms.Issuer, p.Order)
	p.ReturnURL = back.address(appendQuery(g.back, token.ParamRef, keys.SignRef(p.Ref, site.id)))
	p.Return = back.asReturn(p.ReturnURL)
	p.Return.By = visitorOf(r)
	p.Client, p.Turn = client(r), processPresses.pass
	started, rec, err := eng.Purchase(r.Context(), p)
	var many *engine.TooManyError
	switch {
	case errors.As(err, &many):
		return h.write(w, r, pages.Page{Kind: pages.NotStarted, Status: http.StatusTooManyRequests, After: many.RetryAfter, ShopURL: h.home(r)}, err)
	case err != nil && !errors.Is(err, engine.ErrNotCreated):
		h.log.Error("the customer was not sent to the bank: the payment can't be remembered", zap.String("provider", p.Provider), zap.Error(err))
		return h.write(w, r, pages.Page{Kind: pages.NotStarted, ShopURL: h.home(r)}, err)
	case err != nil:
		h.log.Error("a payment could not be started", zap.String("provider", p.Provider), zap.Error(err))
		return h.notStarted(w, r, c, item, f, err)
	}
	h.rememberPurchase(w, r, keys, rec)
	if started.Form != nil {
		return h.write(w, r, pages.Page{Kind: pages.ToBank, Action: started.PayURL, Fields: formFields(started.Form)}, nil)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", started.PayURL)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// notStarted shows the form again, as the buyer filled it in. Where another gateway
// probably starts payments, that one is chosen; the buyer presses Pay again, and knows
// where the money goes.
func (h *Handler) notStarted(w http.ResponseWriter, r *http.Request, c *Checkout, item *ware, f *filledForm, cause error) error {
	tried := f.gateway
	first, down := h.startable(r, c)
	if len(c.conf.gateways) > 1 && !slices.Contains(down, tried) {
		down = append(down, tried) // it refused this payment
	}
	f.down = down
	wrong := pages.WrongProvider
	for _, g := range c.conf.gateways {
		if !slices.Contains(down, g.provider.Name) {
			first, wrong = g.provider.Name, pages.WrongGateway
			break
		}
	}
	f.gateway = first
	page := h.offer(r, c, item, f)
	page.Status, page.Wrong = http.StatusBadGateway, wrong
	return h.write(w, r, page, cause)
}

// formFields are the fields of a pay page's form, in an order of their own.
func formFields(form map[string]string) []pages.Field {
	fields := make([]pages.Field, 0, len(form))
	for _, name := range slices.Sorted(maps.Keys(form)) {
		fields = append(fields, pages.Field{Name: name, Value: form[name]})
	}
	return fields
}

// rememberPurchase gives the browser the cookie of this purchase.
func (h *Handler) rememberPurchase(w http.ResponseWriter, r *http.Request, keys *token.Keys, rec *payment.Record) {
	h.givePurchase(w, r, keys, rec, token.ShortHash(h.browserID(w, r)))
}

// givePurchase gives the browser a purchase's cookie; by is the browser that pressed Pay.
func (h *Handler) givePurchase(w http.ResponseWriter, r *http.Request, keys *token.Keys, rec *payment.Record, by string) {
	view := h.view(r)
	text, err := keys.SignPaid(token.Paid{Ref: rec.Ref, Items: []string{rec.Expect.Item}, Browser: by, At: time.Now()}, h.siteOf(r).id, time.Now())
	if err != nil {
		h.log.Error("the cookie of a purchase could not be made", zap.Error(err))
		return
	}
	h.forgetPurchases(w, r, keys, len(text))
	token.SetCookie(w, familyPaid+string(rec.Ref[:paidName]), text, token.PaidLife, view)
}

// familyPaid is the prefix of the cookies of purchases; paidName is how much of
// the reference names one.
const (
	familyPaid = "paid_"
	paidName   = 10
)
