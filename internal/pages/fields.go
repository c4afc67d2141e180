package pages

import (
	"cmp"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/rahgir/caddy-payments/internal/lang"
)

// inputField is a field of the buyer's as the template needs it.
type inputField struct {
	Name, Label, Note, Type, Mode, Auto, Value, Wrong string
	Dir                                               string
	Most                                              int
	Required                                          bool
}

// pieceField is the field for how many.
type pieceField struct {
	Label, Hint string
	Value, Most int
}

// gatewayField is a payment service to choose.
type gatewayField struct {
	Value, Name, Note string
	Chosen            bool
}

// inputTraits are how browsers help with a field.
var inputTraits = map[string]inputField{
	InputName:   {Type: "text", Auto: "name", Most: 200, Dir: "auto"},
	InputMobile: {Type: "tel", Mode: "tel", Auto: "tel", Most: 30, Dir: "ltr"},
	InputEmail:  {Type: "email", Mode: "email", Auto: "email", Most: 254, Dir: "ltr"},
	InputNumber: {Type: "text", Auto: "off", Most: 64, Dir: "ltr"},
}

// fields fills in what a form asks for.
func (f *form) fields(l lang.Lang, w *words, p *Page) {
	if p.MostPieces > 1 {
		f.Pieces = &pieceField{w.Quantity, fmt.Sprintf(w.Pieces, lang.Number(strconv.Itoa(p.MostPieces), l)), max(p.Quantity, 1), p.MostPieces}
		f.Total = w.Total
	}
	for _, in := range p.Inputs {
		field := inputTraits[in.Name]
		field.Name, field.Label, field.Value, field.Required = in.Name, w.Input[in.Name], in.Value, in.Required
		field.Wrong = w.Wrong[in.Wrong]
		if !in.Required {
			field.Note = w.Optional
		}
		f.Inputs = append(f.Inputs, field)
	}
	if len(p.Gateways) > 1 {
		for _, g := range p.Gateways {
			field := gatewayField{Value: g.Value, Name: g.Name.In(l), Chosen: g.Chosen}
			if g.Down {
				field.Note = w.Down
			}
			f.Gateways = append(f.Gateways, field)
		}
	}
	if p.Kind == Checkout && p.Amount > 0 && p.Max == 0 {
		f.Hidden = append(f.Hidden, Field{PriceField, cmp.Or(p.Each, p.Amount).String()})
	}
}

// product shows what is bought beside its price.
func (v *view) product(l lang.Lang, p *Page) {
	if at := local(p.Picture); at != "" {
		v.Picture = at
	} else if u, err := url.Parse(p.Picture); err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && !strings.ContainsAny(u.Host, "; ,'\"") {
		v.Picture, v.pictureOrigin = p.Picture, "https://"+strings.ToLower(u.Host)
	}
	if p.Each > 0 && p.MostPieces > 1 {
		v.Each = fmt.Sprintf(v.Word.Each, toman(l, p.Each))
	}
	for _, r := range p.Rows {
		v.Rows = append(v.Rows, [2]string{r.Label.In(l), r.Value.In(l)})
	}
	v.Copy = p.Link
}
