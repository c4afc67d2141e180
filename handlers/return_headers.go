package handlers

import (
	"net/http"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

// mark writes the headers and placeholders of a verified record into a request. The guard has
// removed the client's; each header is set, never added.
func (h *Handler) mark(r *http.Request, rec *payment.Record, keys *token.Keys) error {
	c := token.ClaimsOf(rec, h.originOf(r))
	c.Status = token.StatusVerified
	receipt, err := keys.SignReceipt(c, time.Now())
	if err != nil {
		return err
	}
	write(r, []marked{
		{"X-Payment-Status", placeholderPrefix + "status", c.Status},
		{"X-Payment-Provider", placeholderPrefix + "provider", c.Provider},
		{"X-Payment-Id", placeholderPrefix + "id", c.PaymentID},
		{"X-Payment-Order", placeholderPrefix + "order", c.Order},
		{"X-Payment-Item", placeholderPrefix + "item", c.Item},
		{"X-Payment-Amount", placeholderPrefix + "amount", rials(c.Amount)},
		{"X-Payment-Currency", placeholderPrefix + "currency", c.Currency},
		{"X-Payment-Paid", placeholderPrefix + "paid", rials(c.Paid)},
		{"X-Payment-Amount-Checked", placeholderPrefix + "amount_checked", c.AmountChecked},
		{"X-Payment-Environment", placeholderPrefix + "environment", c.Environment},
		{"X-Payment-Reference", placeholderPrefix + "reference", c.Reference},
		{"X-Payment-Card", placeholderPrefix + "card", c.Card},
		{"X-Payment-Paid-At", placeholderPrefix + "paid_at", c.PaidAt},
		{"X-Payment-Track-Id", placeholderPrefix + "track_id", c.TrackID},
		{"X-Payment-Delivery", placeholderPrefix + "delivery", number(c.Delivery)},
		{"X-Payment-Via", placeholderPrefix + "via", c.Via},
		{"X-Payment-Receipt", placeholderPrefix + "receipt", receipt},
	})
	return nil
}

// markOnly writes what a shop gets about a payment that is not delivered: the status and, if
// the return is bound to the record, id and order.
func markOnly(r *http.Request, rec *payment.Record, status string, bound bool) {
	values := []marked{{"X-Payment-Status", placeholderPrefix + "status", status}}
	if rec != nil && bound {
		values = append(values,
			marked{"X-Payment-Provider", placeholderPrefix + "provider", rec.Provider},
			marked{"X-Payment-Id", placeholderPrefix + "id", rec.ID},
			marked{"X-Payment-Order", placeholderPrefix + "order", rec.Order})
	}
	write(r, values)
}

// marked is one value: its header in canonical form, and its placeholder.
type marked struct{ header, placeholder, value string }

// write sets headers and placeholders; an empty value has no header.
func write(r *http.Request, values []marked) {
	repl, _ := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	all := make([]string, len(values)) // one allocation for all headers
	for i, v := range values {
		if all[i] = v.value; v.value != "" {
			r.Header[v.header] = all[i : i+1 : i+1]
		}
		if repl != nil {
			repl.Set(v.placeholder, v.value)
		}
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
