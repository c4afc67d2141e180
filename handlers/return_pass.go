package handlers

import (
	"maps"
	"net/http"
	"strings"

	"github.com/rahgir/caddy-payments/internal/pages"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

// pass passes a return that is not delivered on to the shop, with its status and, if it is
// bound, id and order. The browser's other parameters go with it, except the hashed card.
func (t *returnRequest) pass(status string, rec *payment.Record, bound bool) error {
	if t.mute {
		return t.page(pages.Duplicate, rec, nil)
	}
	if t.cookiesToCome() {
		return t.sendAgain(rec)
	}
	values := map[string]string{paramBounce: "", token.ParamRef: "", payment.ParamSignature: "", payment.ParamExpires: ""}
	for _, name := range t.v.route.provider.terms.Params {
		if strings.Contains(strings.ToLower(name), "hash") {
			values[name] = ""
		}
	}
	if rel, ok := t.v.route.provider.Provider.(payment.Relayer); ok && status == "declined" {
		// A pass never carries a claim that we did not find true: a shop that credits
		// on the browser's word alone would be fooled.
		maps.Copy(values, t.unpaid(rel, rec))
	}
	if rec != nil && rec.State.Captured() && rec.Receipt != nil {
		maps.Copy(values, t.v.route.provider.ReturnParams(rec))
	}
	t.reread(rec)
	t.v.dropCookies(t.r)
	query, body, _ := t.set.Rewrite(values)
	t.r.URL.RawQuery = query
	t.r.RequestURI = t.r.URL.RequestURI()
	if t.r.Method == http.MethodPost {
		setBody(t.r, body)
	}
	markOnly(t.r, rec, status, bound)
	return t.h.watch(t.w, t.r, t.next, forNobody, nil)
}

// unpaid returns the values of a declined return's parameters. If no document says how a
// return tells "not paid", all of the provider's parameters are removed except those that
// name the payment.
func (t *returnRequest) unpaid(rel payment.Relayer, rec *payment.Record) map[string]string {
	if known := rel.UnpaidParams(); known != nil {
		return known
	}
	values := make(map[string]string)
	for _, name := range t.v.route.provider.terms.Params {
		if v := t.set.Get(name); rec == nil || v != rec.ID && v != rec.Order {
			values[name] = ""
		}
	}
	return values
}

// reread reads the return by the known return address of its payment, if there is one. The
// parameters of that address belong to the shop.
func (t *returnRequest) reread(rec *payment.Record) {
	if rec == nil || t.mute || rec.Return.Address() == "" {
		return
	}
	if set, err := t.v.parse(t.r.URL.RawQuery, t.body, t.r.Header.Get("Content-Type"), rec.Return.Address()); err == nil {
		t.set = set
	}
}

// dropCookies removes the cookies that a shop could read in place of a verified parameter.
func (v *Verify) dropCookies(r *http.Request) {
	lines := r.Header["Cookie"]
	if len(lines) == 0 {
		return
	}
	if kept := v.route.guarded.Cookies(lines); len(kept) > 0 {
		r.Header["Cookie"] = kept
	} else {
		delete(r.Header, "Cookie")
	}
}
