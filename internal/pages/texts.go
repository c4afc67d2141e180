package pages

import (
	"cmp"
	"strconv"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/payment"
)

// text is what a page says. Again says whether to pay again, in bold.
type text struct {
	Title string
	Text  []string
	Again string
}

// words are the small words of a page.
type words struct {
	Name, Ref, Amount, Toman, Rial, Test        string
	Go, Check, Pay, Donate, Retry, Back, Bounds string
	Help, Seconds, Minutes                      string
	Each, Quantity, Pieces, Total               string
	With, Down, Optional                        string
	Find, Open, Link, Receipts                  string
	Input                                       map[string]string
	Wrong                                       map[Wrong]string
}

// say gives a page's text.
func say(l lang.Lang, p *Page) text {
	t := persian
	if l == lang.EN {
		t = english
	}
	said := t(p)
	if said.Title == "" {
		said = t(&Page{Kind: Unavailable})
	}
	return said
}

func wordsOf(l lang.Lang) *words {
	if l == lang.EN {
		return &englishWords
	}
	return &persianWords
}

// title is the product's in one language.
func (p *Page) title(l lang.Lang) string {
	return cmp.Or(p.Titles.In(l), p.Title, p.Titles.In(l.Other()))
}

// by is what a page says of the payment number, if it shows one.
func (p *Page) by(number string) string {
	if p.Ref == "" {
		return ""
	}
	return number
}

// pieces says how many were bought, of more than one.
func pieces(l lang.Lang, n int) string {
	if n < 2 {
		return ""
	}
	return " × " + lang.Number(strconv.Itoa(n), l)
}

func toman(l lang.Lang, r payment.Rials) string { return lang.Number(r.Toman(), l) }
func rial(l lang.Lang, r payment.Rials) string  { return lang.Number(r.Grouped(), l) }
