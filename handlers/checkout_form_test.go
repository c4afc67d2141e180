package handlers

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rahgir/caddy-payments/internal/catalogue"
	"github.com/rahgir/caddy-payments/internal/pages"
)

// Whatever field of ours a buyer's form names counts as it is written, or the form is
// shown again: nothing that can't be used is replaced by a default, and is then paid.
func TestWhatAFormSaysCounts(t *testing.T) {
	t.Parallel()
	bank := func(name string) *gateway {
		return &gateway{provider: &provider{ProviderInfo: ProviderInfo{Provider: till{}, Name: name}}}
	}
	c := &Checkout{Path: "/buy", Donate: &Donation{Min: 10_000, Max: 1_000_000}, Buyer: []BuyerField{{Field: pages.InputMobile}}}
	one, many := *c, *c
	one.conf.gateways = []*gateway{bank("a")}
	many.conf.gateways = []*gateway{bank("a"), bank("b")}
	single := &ware{Item: catalogue.Item{SKU: "mug", Price: 50_000}, most: 1}
	several := &ware{Item: catalogue.Item{SKU: "pen", Price: 50_000}, most: 5}
	h := &Handler{app: idle{}}
	const form, nowhere = formType, "no type"
	for name, f := range map[string]struct {
		c                 *Checkout
		item              *ware
		query, body, kind string
		wrong             pages.Wrong
		gateway           string
		pieces            int
	}{
		"nothing":                                       {&many, single, "", "", form, "", "a", 1},
		"the other gateway":                             {&many, single, "", "gateway=b", form, "", "b", 1},
		"no such gateway":                               {&many, single, "", "gateway=c", form, pages.WrongChoice, "", 0},
		"a gateway in capitals":                         {&many, single, "", "gateway=B", form, pages.WrongChoice, "", 0},
		"a gateway that is gone":                        {&one, single, "", "gateway=b", form, pages.WrongChoice, "", 0},
		"the only gateway":                              {&one, single, "", "gateway=a", form, "", "a", 1},
		"two gateways":                                  {&many, single, "", "gateway=a&gateway=b", form, pages.WrongForm, "", 0},
		"one gateway twice":                             {&many, single, "", "gateway=b&gateway=b", form, "", "b", 1},
		"no pieces":                                     {&many, several, "", "quantity=0", form, pages.WrongQuantity, "", 0},
		"the least":                                     {&many, several, "", "quantity=1", form, "", "a", 1},
		"the most":                                      {&many, several, "", "quantity=5", form, "", "a", 5},
		"one more":                                      {&many, several, "", "quantity=6", form, pages.WrongQuantity, "", 0},
		"far more":                                      {&many, several, "", "quantity=" + strings.Repeat("9", 40), form, pages.WrongQuantity, "", 0},
		"two quantities":                                {&many, several, "", "quantity=1&quantity=3", form, pages.WrongForm, "", 0},
		"three of what is sold singly":                  {&many, single, "", "quantity=3", form, pages.WrongQuantity, "", 0},
		"one of what is sold singly":                    {&many, single, "", "quantity=1", form, "", "a", 1},
		"the address' quantity":                         {&many, several, "quantity=3", "", form, "", "a", 3},
		"an address that asks too many":                 {&many, several, "quantity=6", "", form, pages.WrongQuantity, "", 0},
		"an address that asks for words":                {&many, single, "quantity=two", "", form, pages.WrongQuantity, "", 0},
		"an address that asks twice":                    {&many, several, "quantity=2&quantity=3", "", form, pages.WrongQuantity, "", 0},
		"an address that asks twice for the same":       {&many, several, "quantity=3&quantity=3", "", form, "", "a", 3},
		"an address with a semicolon":                   {&many, several, "quantity=2;quantity=3", "", form, pages.WrongQuantity, "", 0},
		"an address with a semicolon behind":            {&many, several, "quantity=2;x=3", "", form, pages.WrongQuantity, "", 0},
		"an address with a semicolon before":            {&many, several, "x=2;quantity=3", "", form, pages.WrongQuantity, "", 0},
		"an address with an escaped name":               {&many, several, "%71uantity=2;x", "", form, pages.WrongQuantity, "", 0},
		"an address whose quantity is no encoding":      {&many, several, "quantity=%zz", "", form, pages.WrongQuantity, "", 0},
		"an address with others' fields":                {&many, several, "utm=%zz&a=1;b=2&quantity=3&utm=2", "", form, "", "a", 3},
		"an address of others' fields":                  {&many, several, "utm=%zz&a=1;b=2&quantityx=3;Quantity=4", "", form, "", "a", 1},
		"the form corrects an address with a semicolon": {&many, several, "quantity=2;quantity=3", "quantity=4", form, "", "a", 4},
		"the form corrects the address":                 {&many, several, "quantity=6", "quantity=2", form, "", "a", 2},
		"the price seen":                                {&many, several, "", "price=50000", form, "", "a", 1},
		"another price":                                 {&many, several, "", "price=40000", form, pages.WrongPrice, "", 0},
		"two prices":                                    {&many, several, "", "price=50000&price=40000", form, pages.WrongForm, "", 0},
		"two buyers":                                    {&many, several, "", "mobile=09121234567&mobile=09351234567", form, pages.WrongForm, "", 0},
		"no mobile of Iran":                             {&many, several, "", "mobile=1", form, pages.WrongMobile, "", 0},
		"multipart":                                     {&many, several, "", "--x\r\nContent-Disposition: form-data; name=\"quantity\"\r\n\r\n3\r\n--x--\r\n", "multipart/form-data; boundary=x", pages.WrongForm, "", 0},
		"JSON":                                          {&many, several, "", `{"quantity":3}`, "application/json", pages.WrongForm, "", 0},
		"a form with a charset":                         {&many, several, "", "quantity=3", form + "; charset=UTF-8", "", "a", 3},
		"an empty body of any type":                     {&many, several, "", "", "application/json", "", "a", 1},
		"a form without a type":                         {&many, several, "", "quantity=3", nowhere, "", "a", 3},
		"no encoding":                                   {&many, several, "", "quantity=%zz", form, pages.WrongForm, "", 0},
		"the form at its bound":                         {&many, several, "", "quantity=3&x=" + strings.Repeat("x", maxForm-13), form, "", "a", 3},
		"a byte more":                                   {&many, several, "", "quantity=3&x=" + strings.Repeat("x", maxForm-12), form, pages.WrongForm, "", 0},
		"far more than a form":                          {&many, several, "", "quantity=3&x=" + strings.Repeat("x", 100*maxForm), form, pages.WrongForm, "", 0},
		"a donation":                                    {&many, nil, "", "toman=50000", form, "", "a", 1},
		"a donation in rials":                           {&many, nil, "", "amount=500000", form, "", "a", 1},
		"a donation in both":                            {&many, nil, "", "toman=50000&amount=500000", form, "", "a", 1},
		"a donation of two sums":                        {&many, nil, "", "toman=50000&amount=50000", form, pages.WrongAmount, "", 0},
		"a donation of a sum and a word":                {&many, nil, "", "toman=50000&amount=much", form, pages.WrongAmount, "", 0},
		"a donation of nothing":                         {&many, nil, "", "", form, pages.WrongAmount, "", 0},
		"a donation below":                              {&many, nil, "", "amount=9999", form, pages.WrongBounds, "", 0},
		"the least donation":                            {&many, nil, "", "amount=10000", form, "", "a", 1},
		"the greatest donation":                         {&many, nil, "", "amount=1000000", form, "", "a", 1},
		"a donation above":                              {&many, nil, "", "amount=1000001", form, pages.WrongBounds, "", 0},
		"three donations":                               {&many, nil, "", "amount=500000&quantity=3", form, pages.WrongQuantity, "", 0},
		"a donation to no gateway":                      {&many, nil, "", "amount=500000&gateway=c", form, pages.WrongChoice, "", 0},
		"a donation in a form of another":               {&many, nil, "", `{"amount":500000}`, "application/json", pages.WrongAmount, "", 0},
	} {
		r := httptest.NewRequest(http.MethodPost, "/buy/x?"+f.query, strings.NewReader(f.body))
		if f.kind != nowhere {
			r.Header.Set("Content-Type", f.kind)
		}
		got := h.filled(httptest.NewRecorder(), r, f.c, f.item)
		if got.wrong != f.wrong || f.wrong == "" && (got.gateway != f.gateway || got.pieces != f.pieces) {
			t.Errorf("%s: wrong %q, gateway %s, %d pieces", name, got.wrong, got.gateway, got.pieces)
		}
		if strings.HasPrefix(f.body, "toman=50000") && f.wrong == "" && got.sum != 500_000 {
			t.Errorf("%s: %d rials", name, got.sum)
		}
	}
}

// What a buyer wrote wrongly is shown again up to a bound, and never half a letter of it.
func TestWhatIsShownAgainIsBounded(t *testing.T) {
	t.Parallel()
	for _, letter := range []string{"x", "ن", "‌", "😀"} {
		for _, size := range []int{1, mostShown - 1, mostShown, mostShown + 1, 10 * mostShown} {
			for _, before := range []string{"", "x", "xx", "xxx"} {
				text := before + strings.Repeat(letter, size/len(letter)+1)
				in := &pages.Input{Name: pages.InputEmail}
				new(filledForm).ask(in, text)
				if in.Wrong == "" || !strings.HasPrefix(text, in.Value) || !utf8.ValidString(in.Value) {
					t.Fatalf("%d bytes of %q: %q, wrong %q", len(text), letter, in.Value, in.Wrong)
				}
				if n := len(in.Value); n > mostShown || n < min(len(text), mostShown)-utf8.UTFMax {
					t.Errorf("%d bytes of %q: %d are shown", len(text), letter, n)
				}
			}
		}
	}
}
