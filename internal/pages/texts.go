package pages

import (
	"strings"

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
	Wrong                                       map[Wrong]string
}

// say gives a page's text.
func say(l Lang, p *Page) text {
	t := persian
	if l == English {
		t = english
	}
	said := t(p)
	if said.Title == "" {
		said = t(&Page{Kind: Unavailable})
	}
	return said
}

func wordsOf(l Lang) *words {
	if l == English {
		return &englishWords
	}
	return &persianWords
}

// persianDigits writes a number the way that people read it.
var persianDigits = strings.NewReplacer("0", "۰", "1", "۱", "2", "۲", "3", "۳", "4", "۴",
	"5", "۵", "6", "۶", "7", "۷", "8", "۸", "9", "۹", ",", "٬", ".", "٫")

func number(l Lang, s string) string {
	if l == English {
		return s
	}
	return persianDigits.Replace(s)
}

func toman(l Lang, r payment.Rials) string { return number(l, r.Toman()) }
func rial(l Lang, r payment.Rials) string  { return number(l, r.Grouped()) }
