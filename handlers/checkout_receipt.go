package handlers

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/catalogue"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/internal/pages"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/internal/track"
	"github.com/rahgir/caddy-payments/payment"
)

// paramLink carries the link that opens a purchase on another device.
const paramLink = "payment_link"

// serveReceipt is `<path>/receipt`: a form that finds a receipt by its number and its
// buyer's mobile, and where a signed link opens what was bought.
//
// Its invariant: a GET changes nothing and sets no cookie, so that a program which looks
// at links takes no device's place; and an answer tells a stranger nothing of whether
// there is an order.
func (h *Handler) serveReceipt(w http.ResponseWriter, r *http.Request, c *Checkout) error {
	w.Header().Set("Cache-Control", forNobody)
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		if text := r.URL.Query().Get(paramLink); text != "" {
			return h.serveLink(w, r, text, false)
		}
		return h.write(w, r, h.receiptForm(r, "", ""), nil)
	case http.MethodPost:
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		return h.write(w, r, pages.Page{Kind: pages.NotFound, Status: http.StatusMethodNotAllowed}, nil)
	}
	if from := r.Header.Get("Sec-Fetch-Site"); track.Prefetched(r) || from == "cross-site" || from == "same-site" {
		return h.write(w, r, h.receiptForm(r, "", ""), nil)
	}
	form, ok := formOf(w, r)
	if !ok {
		return h.wrongReceipt(w, r, "", "", pages.WrongForm)
	}
	if text := form.Get(paramLink); text != "" {
		return h.serveLink(w, r, text, true)
	}
	number, written := form.Get(pages.InputNumber), form.Get(pages.InputMobile)
	mobile, err := payment.ParseMobile(written)
	if err != nil {
		return h.wrongReceipt(w, r, number, written, pages.WrongMobile)
	}
	eng, err := h.app.Engine(r.Context())
	if err != nil {
		return h.write(w, r, pages.Page{Kind: pages.Unavailable}, err)
	}
	site := h.siteOf(r)
	rec, err := eng.Receipt(r.Context(), engine.ReceiptQuery{
		Site: site.id, Formerly: site.formerly(), Number: number, Mobile: mobile, Client: client(r),
	})
	var many *engine.TooManyError
	switch {
	case errors.As(err, &many):
		return h.write(w, r, pages.Page{Kind: pages.Busy, After: many.RetryAfter, ShopURL: h.home(r)}, err)
	case errors.Is(err, payment.ErrNotFound):
		return h.wrongReceipt(w, r, number, written, pages.WrongReceipt)
	case err != nil:
		return h.write(w, r, pages.Page{Kind: pages.Unavailable}, err)
	}
	return h.showReceipt(w, r, c, rec)
}

// receiptForm asks for number and mobile.
func (h *Handler) receiptForm(r *http.Request, number, mobile string) pages.Page {
	shown := func(s string) string { return strings.ToValidUTF8(s[:min(len(s), mostShown)], "") }
	return pages.Page{
		Kind: pages.FindReceipt, Action: originalPath(r), ShopURL: h.home(r),
		Inputs: []pages.Input{
			{Name: pages.InputNumber, Value: shown(number), Required: true},
			{Name: pages.InputMobile, Value: shown(mobile), Required: true},
		},
	}
}

func (h *Handler) wrongReceipt(w http.ResponseWriter, r *http.Request, number, mobile string, wrong pages.Wrong) error {
	p := h.receiptForm(r, number, mobile)
	p.Status, p.Wrong = http.StatusUnprocessableEntity, wrong
	return h.write(w, r, p, nil)
}

// showReceipt shows what was bought, to somebody who knows number and mobile, and the
// link that opens it on another device where a `require` asks for it.
func (h *Handler) showReceipt(w http.ResponseWriter, r *http.Request, c *Checkout, rec *payment.Record) error {
	titles := h.soldTitles(rec)
	both := func(s string) lang.Text { return lang.Text{s, s} }
	in := func(f func(l lang.Lang) string) lang.Text { return lang.Text{f(lang.EN), f(lang.FA)} }
	p := pages.Page{Kind: pages.Receipt, Ref: rec.Ref, ShopURL: h.home(r), Rows: []pages.Row{
		{Label: lang.Text{"Bought", "خرید"}, Value: titles},
	}}
	add := func(label, value lang.Text) {
		if value[0] != "" {
			p.Rows = append(p.Rows, pages.Row{Label: label, Value: value})
		}
	}
	if n := rec.Expect.Quantity; n > 1 {
		add(lang.Text{"Quantity", "تعداد"}, in(func(l lang.Lang) string { return lang.Number(strconv.Itoa(n), l) }))
	}
	add(lang.Text{"Amount", "مبلغ"}, in(func(l lang.Lang) string { return lang.Toman(rec.Price(), l) }))
	add(lang.Text{"Order", "سفارش"}, both(rec.Order))
	if rc := rec.Receipt; rc != nil {
		add(lang.Text{"Paid", "پرداخت"}, in(func(l lang.Lang) string {
			at := rc.PaidAt
			if at.IsZero() {
				at = rc.VerifiedAt
			}
			return lang.When(at, l)
		}))
		add(lang.Text{"Bank reference", "کد پیگیری بانک"}, both(rc.Reference))
	}
	if h.opens(rec.Expect.Item) != "" {
		keys, err := h.allKeys(r.Context())
		if err != nil {
			return h.write(w, r, pages.Page{Kind: pages.Unavailable}, err)
		}
		text, err := keys.SignLink(rec.Ref, h.siteOf(r).id, time.Now())
		if err != nil {
			return h.write(w, r, pages.Page{Kind: pages.Unavailable}, err)
		}
		p.Link = h.wayBack(r).address(appendQuery(c.Path+"/"+catalogue.Receipt, paramLink, text))
	}
	return h.write(w, r, p, nil)
}

// soldTitles are what a payment's item is called.
func (h *Handler) soldTitles(rec *payment.Record) lang.Text {
	for _, c := range h.Checkout {
		if w := c.ware(rec.Expect.Item); w != nil && slices.Contains(c.Providers, rec.Provider) {
			return w.titles()
		}
	}
	title := cmp.Or(rec.Expect.Title, rec.Expect.Item)
	if title == donation {
		return lang.Text{"Donation", "حمایت"}
	}
	return lang.Text{title, title}
}

// opens is the path of a page that an item opens; "" where it opens none.
func (h *Handler) opens(item string) string {
	for _, q := range h.Require {
		if !slices.Contains(q.Items, item) {
			continue
		}
		for _, path := range q.plain() {
			if stem := strings.TrimSuffix(path, "*"); !strings.ContainsAny(stem, `*?[\{`) {
				return stem
			}
		}
		return "/"
	}
	return ""
}

// serveLink opens a purchase on another device: a page with a button first, and the
// cookie when it is pressed. The device counts when it opens the content; a payment that
// was given back opens nothing.
func (h *Handler) serveLink(w http.ResponseWriter, r *http.Request, text string, pressed bool) error {
	over := pages.Page{Kind: pages.LinkOver, ShopURL: h.home(r)}
	eng, keys, err := h.ready(r.Context())
	if err != nil {
		return h.write(w, r, pages.Page{Kind: pages.Unavailable}, err)
	}
	site := h.siteOf(r)
	ref, err := keys.OpenLink(text, site.names, time.Now())
	if err != nil {
		return h.write(w, r, over, err)
	}
	rec, err := eng.Purchased(r.Context(), ref, site.id, site.formerly()...)
	switch {
	case errors.Is(err, payment.ErrNotFound):
		return h.write(w, r, over, err)
	case err != nil:
		return h.write(w, r, pages.Page{Kind: pages.Unavailable}, err)
	case h.opens(rec.Expect.Item) == "":
		return h.write(w, r, over, nil)
	case !pressed:
		return h.write(w, r, pages.Page{
			Kind: pages.OpenHere, Titles: h.soldTitles(rec), Action: originalPath(r), Fields: []pages.Field{{Name: paramLink, Value: text}}, ShopURL: h.home(r),
		}, nil)
	}
	if !h.boughtHere(r, keys, rec.Ref) {
		// The device has a name before it asks for the content, of which it may ask for
		// many parts at once: a request without a name counts as a device of its own.
		h.browserID(w, r)
		h.givePurchase(w, r, keys, rec, anotherDevice)
	}
	w.Header().Set("Location", h.linked(r, (&url.URL{Path: h.opens(rec.Expect.Item)}).EscapedPath()))
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// anotherDevice stands in a purchase's cookie in place of the browser that pressed Pay:
// no browser has this name, so it never takes the buyer's own place.
const anotherDevice = "link"

// boughtHere: this browser has the purchase's cookie, perhaps the buyer's own, which a
// link must not replace.
func (h *Handler) boughtHere(r *http.Request, keys *token.Keys, ref payment.Ref) bool {
	return slices.ContainsFunc(h.purchases(r, keys), func(p heldPurchase) bool { return p.Ref == ref })
}
