package handlers

import (
	"cmp"
	"io"
	"net/http"
	"net/url"
	"slices"
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
// Its invariants: no amount in it is the browser's, except a donation's inside its bounds;
// the price that the buyer saw is compared with the item's and never paid. And whatever
// field of ours the browser names counts as it is written, or the form is shown again:
// nothing that can't be used is replaced by a default.
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
	if name := form.Get(pages.GatewayField); name != "" {
		if c.gatewayNamed(name).provider.Name == name {
			f.gateway = name
		} else {
			f.fail(pages.WrongChoice)
		}
	}
	f.total = form.Get(pages.TotalField) != ""
	f.count(form, r.URL.RawQuery, item)
	if item == nil {
		f.name(form, c)
	}
	for i, b := range c.Buyer {
		f.ask(&f.inputs[i], form.Get(b.Field))
	}
	return f
}

// formOf reads a form's body; false where it can't be read, is no form in a URL's
// encoding (multipart and JSON would read as a form without fields), or names a field
// twice with different values.
func formOf(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil || len(body) > 0 && r.Header.Get("Content-Type") != "" && !isForm(r) {
		return nil, false
	}
	form, err := url.ParseQuery(string(body))
	for _, values := range form {
		if len(slices.Compact(values)) > 1 {
			return nil, false
		}
	}
	return form, err == nil
}

// inQuery reads a field of ours from an address; false where it can't be read or stands there twice
// with different values. What else is in the address is not ours to judge.
func inQuery(query, field string) (value string, ok bool) {
	named := false
	for pair := range strings.SplitSeq(query, "&") {
		for part := range strings.SplitSeq(pair, ";") {
			name, text, _ := strings.Cut(part, "=")
			if name, err := url.QueryUnescape(name); err != nil || name != field {
				continue
			}
			text, err := url.QueryUnescape(text)
			// Go drops a pair with a ";" in it, and others end it there.
			if err != nil || part != pair || named && text != value {
				return "", false
			}
			value, named = text, true
		}
	}
	return value, true
}

func (f *filledForm) fail(w pages.Wrong) {
	f.wrong = cmp.Or(f.wrong, w)
}

// count reads how many of an item, or of a donation, of which there is one; and whether
// the price is what the buyer saw.
func (f *filledForm) count(form url.Values, query string, item *ware) {
	most := 1
	if item != nil {
		most = max(item.most, 1)
	}
	text := form.Get(pages.QuantityField)
	if text == "" {
		var ok bool
		if text, ok = inQuery(query, pages.QuantityField); !ok {
			f.fail(pages.WrongQuantity)
		}
	}
	if text != "" {
		n, ok := pieces(text)
		if ok && n <= most {
			f.pieces = n
		} else {
			f.fail(pages.WrongQuantity)
		}
	}
	if item == nil {
		return
	}
	if seen := form.Get(pages.PriceField); seen != "" && seen != item.Price.String() {
		f.fail(pages.WrongPrice)
	}
}

// name reads the sum that the buyer names: in toman from our form, or in rials
// as `amount`.
func (f *filledForm) name(form url.Values, c *Checkout) {
	rials, toman := form.Get("amount"), form.Get(pages.AmountField)
	text := rials
	if toman != "" {
		text = written(toman)
	}
	amount, err := payment.ParseAmount(text)
	other := amount
	if rials != "" && toman != "" {
		other, _ = payment.ParseAmount(rials)
	}
	switch {
	case err != nil || other != amount:
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
