package handlers

import (
	"net/http"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

// mark writes headers and placeholders of a verified record on a request. The
// guard has removed all of the client's; each is set, never added.
func (h *Handler) mark(r *http.Request, rec *payment.Record, keys *token.Keys) error {
	c := token.ClaimsOf(rec, h.originOf(r))
	c.Status = token.StatusVerified
	receipt, err := keys.SignReceipt(c, time.Now())
	if err != nil {
		return err
	}
	values := []struct{ name, placeholder, value string }{
		{"X-Payment-Status", "status", c.Status},
		{"X-Payment-Provider", "provider", c.Provider},
		{"X-Payment-Id", "id", c.PaymentID},
		{"X-Payment-Order", "order", c.Order},
		{"X-Payment-Item", "item", c.Item},
		{"X-Payment-Amount", "amount", rials(c.Amount)},
		{"X-Payment-Currency", "currency", c.Currency},
		{"X-Payment-Paid", "paid", rials(c.Paid)},
		{"X-Payment-Amount-Checked", "amount_checked", c.AmountChecked},
		{"X-Payment-Environment", "environment", c.Environment},
		{"X-Payment-Reference", "reference", c.Reference},
		{"X-Payment-Card", "card", c.Card},
		{"X-Payment-Paid-At", "paid_at", c.PaidAt},
		{"X-Payment-Track-Id", "track_id", c.TrackID},
		{"X-Payment-Delivery", "delivery", number(c.Delivery)},
		{"X-Payment-Via", "via", c.Via},
		{"X-Payment-Receipt", "receipt", receipt},
	}
	repl, _ := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	for _, v := range values {
		set(r, repl, v.name, v.placeholder, v.value)
	}
	return nil
}

// markOnly writes a status and, where the return is bound to the record, id and
// order: what a shop gets of a payment that is not delivered.
func markOnly(r *http.Request, rec *payment.Record, status string, bound bool) {
	repl, _ := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	set(r, repl, "X-Payment-Status", "status", status)
	if rec == nil || !bound {
		return
	}
	set(r, repl, "X-Payment-Provider", "provider", rec.Provider)
	set(r, repl, "X-Payment-Id", "id", rec.ID)
	set(r, repl, "X-Payment-Order", "order", rec.Order)
}

func set(r *http.Request, repl *caddy.Replacer, header, placeholder, value string) {
	if value != "" {
		r.Header.Set(header, value)
	}
	if repl != nil {
		repl.Set(placeholderPrefix+placeholder, value)
	}
}

func rials(n payment.Rials) string {
	if n == 0 {
		return ""
	}
	return n.String()
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
