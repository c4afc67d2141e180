package handlers

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

// mall is an app with a public_url for all sites that have none of their own.
type mall struct{ idle }

func (mall) Origin() string { return "https://mall.example.com" }

// Every header of a verified request is one that the shop finds under its name,
// has a placeholder that says the same, and can be changed without changing
// another.
func TestMark(t *testing.T) {
	secret, err := payment.NewSigningKey([]byte("0123456789abcdef0123456789abcdef"), "")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.NewKeys(secret)
	if err != nil {
		t.Fatal(err)
	}
	h := busySite("on")
	h.app = mall{}
	at := new(place)
	at.settled(origin{scheme: "https", host: "shop.example.com"}, true)
	h.placed.Store(at)
	rec := &payment.Record{Ref: "7m2k9q4v8x1c5z3b6n0pthjwr8", Provider: "idpay", ID: "d2e3", Order: "101", Environment: "sandbox"}
	rec.Expect.Item, rec.Expect.Amount = "mug", 50000
	rec.Receipt = &payment.Receipt{Paid: 51000, Reference: "ref", Card: "123456******1234", PaidAt: time.Unix(1, 0)}
	rec.Track = payment.Track{ID: "abcdefgh"}
	rec.Delivery.Count, rec.Delivery.Via = 2, payment.ViaWorker

	r := httptest.NewRequest(http.MethodGet, "/callback", nil)
	repl := caddy.NewReplacer()
	r = r.WithContext(context.WithValue(r.Context(), caddy.ReplacerCtxKey, repl))
	if err := h.mark(r, rec, keys); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Status": "verified", "Provider": "idpay", "Id": "d2e3", "Order": "101", "Item": "mug", "Amount": "50000", "Currency": "IRR",
		"Paid": "51000", "Amount-Checked": rec.AmountChecked(), "Environment": "sandbox", "Reference": "ref", "Card": "123456******1234",
		"Paid-At": "1970-01-01T00:00:01Z", "Track-Id": "abcdefgh", "Delivery": "2", "Via": "worker", "Receipt": r.Header.Get("X-Payment-Receipt"),
	} {
		placeholder := placeholderPrefix + strings.ReplaceAll(strings.ToLower(name), "-", "_")
		said, _ := repl.GetString(placeholder)
		if got := r.Header.Get("X-Payment-" + name); got != want || said != want {
			t.Errorf("%s: %q, placeholder %q, want %q", name, got, said, want)
		}
	}
	// The receipt is for this shop, whatever address all others have.
	if _, err := keys.VerifyReceipt(r.Header.Get("X-Payment-Receipt"), "https://shop.example.com", time.Now()); err != nil {
		t.Error(err)
	}
	before := len(r.Header)
	for name := range r.Header {
		r.Header.Add(name, "more")
	}
	if len(r.Header) != before {
		t.Error("a header stands under a name that Go does not look it up by")
	}
	for name, values := range r.Header {
		if len(values) != 2 || values[0] == "more" || values[1] != "more" {
			t.Errorf("%s: %q", name, values)
		}
	}
}
