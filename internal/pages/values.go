package pages

import (
	"net/http"
	"strconv"

	"github.com/rahgir/caddy-payments/internal/lang"
)

// Values returns what a page would say, for a template of the owner's.
func Values(r *http.Request, p Page) map[string]string {
	l := p.Lang
	if l != lang.FA && l != lang.EN {
		l = lang.Of(r)
	}
	v := viewIn(l, &p)
	text := ""
	for i, s := range v.Say.Text {
		if i > 0 {
			text += " "
		}
		text += s
	}
	return map[string]string{
		"kind": string(p.Kind), "status": strconv.Itoa(v.status), "language": string(l), "direction": l.Dir(),
		"title": v.Say.Title, "text": text, "again": v.Say.Again, "wrong": v.Wrong,
		"reference": v.Ref, "since": v.Since, "toman": v.Sum, "rial": v.Rial, "each": v.Each, "picture": v.Picture,
		"home": local(p.ShopURL), "retry": local(p.Retry), "action": local(p.Action), "refresh": local(p.Refresh),
	}
}

// SetHeaders sets what an answer has beside its body, for a template of the owner's. The
// policy of what it may load is the owner's, too.
func SetHeaders(h http.Header, r *http.Request, p Page) {
	l := p.Lang
	if l != lang.FA && l != lang.EN {
		l = lang.Of(r)
	}
	v := viewIn(l, &p)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(l))
	h.Set("Cache-Control", "private, no-store")
	h.Set("Referrer-Policy", referrer(v))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex")
	h.Add("Vary", "Accept, Accept-Language")
	if v.After > 0 {
		h.Set("Retry-After", strconv.Itoa(v.After))
	}
	if v.Refresh != "" {
		h.Set("Refresh", v.Refresh)
	}
}
