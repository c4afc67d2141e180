package pages

import (
	"net/http"
	"strconv"
	"strings"
)

// Values returns what a page would say, for a template of the owner's.
func Values(r *http.Request, p Page) map[string]string {
	l := p.language(r)
	v := viewIn(l, &p)
	return map[string]string{
		"kind": string(p.Kind), "status": strconv.Itoa(v.status), "language": string(l), "direction": l.Dir(),
		"title": v.Say.Title, "text": strings.Join(v.Say.Text, " "), "again": v.Say.Again, "wrong": v.Wrong,
		"reference": v.Ref, "since": v.Since, "toman": v.Sum, "rial": v.Rial, "each": v.Each, "picture": v.Picture,
		"home": local(p.ShopURL), "retry": local(p.Retry), "action": local(p.Action), "refresh": local(p.Refresh),
	}
}

// SetHeaders sets what an answer has beside its body, for a template of the owner's. The
// policy of what it may load is the owner's, too.
func SetHeaders(h http.Header, r *http.Request, p Page) {
	v := viewIn(p.language(r), &p)
	v.headers(h, "text/html; charset=utf-8")
	if v.Refresh != "" {
		h.Set("Refresh", v.Refresh)
	}
}
