package handlers

import (
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/rahgir/caddy-payments/internal/pages"
	"github.com/rahgir/caddy-payments/payment"
)

// maxForm bounds the form of a checkout. A name of 80 letters is 480 bytes of Persian,
// and three times that in a form.
const maxForm = 8 << 10

// filledForm is what a buyer has written, or nothing yet.
//
// Its invariant: no amount in it is the browser's, except a donation's inside its bounds.
// The price that the buyer saw is compared with the item's and never paid.
type filledForm struct {
	gateway string
	down    []string
	// pieces is how many, from 1 to the item's most.
	pieces int
	// sum is a donation's.
	sum    payment.Rials
	buyer  payment.Buyer
	inputs []pages.Input
	// total: the buyer wants to see what all pieces cost, and pays nothing yet.
	total bool
	// wrong is why the form is shown again.
	wrong pages.Wrong
}

// buyerFields say how each field of the buyer's is read.
var buyerFields = map[string]struct {
	read  func(string) (string, error)
	to    func(*payment.Buyer) *string
	wrong pages.Wrong
}{
	pages.InputName:   {payment.ParseName, func(b *payment.Buyer) *string { return &b.Name }, pages.WrongName},
	pages.InputMobile: {payment.ParseMobile, func(b *payment.Buyer) *string { return &b.Mobile }, pages.WrongMobile},
	pages.InputEmail:  {payment.ParseEmail, func(b *payment.Buyer) *string { return &b.Email }, pages.WrongEmail},
}

// unfilled is the form of somebody who has written nothing. The page may be asked for
// with a quantity, `/buy/mug?quantity=3`.
func (h *Handler) unfilled(r *http.Request, c *Checkout, item *ware) *filledForm {
	f := &filledForm{pieces: 1}
	f.gateway, f.down = h.startable(r, c)
	for _, b := range c.Buyer {
		f.inputs = append(f.inputs, pages.Input{Name: b.Field, Required: b.Required})
	}
	if item != nil && item.most > 1 && r.URL.RawQuery != "" {
		if n, ok := pieces(r.URL.Query().Get(pages.QuantityField)); ok && n <= item.most {
			f.pieces = n
		}
	}
	return f
}

// pieces reads how many.
func pieces(text string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimSpace(payment.ASCIIDigits(text)))
	return n, err == nil && n >= 1
}

// filled reads a form.
func (h *Handler) filled(w http.ResponseWriter, r *http.Request, c *Checkout, item *ware) *filledForm {
	f := h.unfilled(r, c, item)
	form, ok := formOf(w, r)
	if !ok {
		if f.wrong = pages.WrongForm; item == nil {
			f.wrong = pages.WrongAmount
		}
		return f
	}
	if name := form.Get(pages.GatewayField); name != "" && c.gatewayNamed(name).provider.Name == name {
		f.gateway = name
	}
	f.total = form.Get(pages.TotalField) != ""
	if item != nil {
		f.count(form, item)
	} else {
		f.name(form, c)
	}
	for i, b := range c.Buyer {
		f.ask(&f.inputs[i], form.Get(b.Field))
	}
	return f
}

// formOf reads a form's body; false where it can't be read.
func formOf(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		return nil, false
	}
	form, err := url.ParseQuery(string(body))
	return form, err == nil
}

func (f *filledForm) fail(w pages.Wrong) {
	if f.wrong == "" {
		f.wrong = w
	}
}

// count reads how many of an item, and whether the price is what the buyer saw.
func (f *filledForm) count(form url.Values, item *ware) {
	if text := form.Get(pages.QuantityField); text != "" && item.most > 1 {
		n, ok := pieces(text)
		if ok && n <= item.most {
			f.pieces = n
		} else {
			f.fail(pages.WrongQuantity)
		}
	}
	if seen := form.Get(pages.PriceField); seen != "" && seen != item.Price.String() {
		f.fail(pages.WrongPrice)
	}
}

// name reads the sum that the buyer names: in toman from our form, or in rials
// as `amount`.
func (f *filledForm) name(form url.Values, c *Checkout) {
	text := form.Get("amount")
	if toman := form.Get(pages.AmountField); toman != "" {
		text = written(toman)
	}
	amount, err := payment.ParseAmount(text)
	switch {
	case err != nil:
		f.fail(pages.WrongAmount)
	case amount < payment.Rials(c.Donate.Min) || amount > payment.Rials(c.Donate.Max):
		f.fail(pages.WrongBounds)
	case c.gatewayNamed(f.gateway).provider.terms.CheckAmount(amount) != nil:
		f.fail(pages.WrongAmount)
	}
	f.sum = amount
}

// mostShown is how much of what a buyer wrote wrongly is shown again.
const mostShown = 256

// ask reads a field of the buyer's. While the total is asked for, a field may be empty.
func (f *filledForm) ask(in *pages.Input, text string) {
	field := buyerFields[in.Name]
	if text = strings.TrimSpace(text); text == "" {
		if in.Required && !f.total {
			in.Wrong = field.wrong
			f.fail(field.wrong)
		}
		return
	}
	value, err := field.read(text)
	if err != nil {
		in.Value, in.Wrong = strings.ToValidUTF8(text[:min(len(text), mostShown)], ""), field.wrong
		f.fail(field.wrong)
		return
	}
	in.Value, *field.to(&f.buyer) = value, value
}
