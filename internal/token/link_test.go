package token

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// A link is its own kind of token: no cookie of a purchase, receipt or pointer is one, nor
// the other way round; it is for one site, and for a week.
func TestLink(t *testing.T) {
	secret, err := payment.NewSigningKey([]byte(strings.Repeat("k", payment.MinSecret)), "")
	if err != nil {
		t.Fatal(err)
	}
	k, err := NewKeys(secret)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_790_000_000, 0)
	ref := payment.NewRef("shop", "x", "1", "A")
	link, err := k.SignLink(ref, "shop", now)
	if err != nil {
		t.Fatal(err)
	}
	for after, ok := range map[time.Duration]bool{0: true, LinkLife - time.Second: true, LinkLife + 2*time.Minute: false, 10 * LinkLife: false} {
		if got, err := k.OpenLink(link, []string{"other", "shop"}, now.Add(after)); (err == nil) != ok || ok && got != ref {
			t.Errorf("after %s: %s, %v", after, got, err)
		}
	}
	if _, err := k.OpenLink(link, []string{"other"}, now); !errors.Is(err, ErrInvalid) {
		t.Errorf("another site's: %v", err)
	}
	if _, err := k.OpenPaid(link, []string{"shop"}, now); err == nil {
		t.Error("a link is taken for a purchase's cookie")
	}
	paid, err := k.SignPaid(Paid{Ref: ref, At: now}, "shop", now)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "x", paid, link[:len(link)-1], link + "A", strings.ToUpper(link), strings.Repeat("a", 1<<16)} {
		if _, err := k.OpenLink(text, []string{"shop"}, now); err == nil {
			t.Errorf("%.40q is taken for a link", text)
		}
	}
}
