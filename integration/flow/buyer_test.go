package flow_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/idpay"
	"github.com/rahgir/caddy-payments/providers/nextpay"
	"github.com/rahgir/caddy-payments/providers/payping"
	"github.com/rahgir/caddy-payments/providers/providertest"
	"github.com/rahgir/caddy-payments/providers/vandar"
	"github.com/rahgir/caddy-payments/providers/zarinpal"
	"github.com/rahgir/caddy-payments/providers/zibal"
)

// Each gateway is told of the buyer what its document takes, under its names, and nothing
// where the buyer wrote nothing.
func TestGatewaysHearOfTheBuyer(t *testing.T) {
	const key = "6a7f99eb-7c20-4412-a972-6dfb7cd253a4"
	t.Setenv("BUYER_TEST_KEY", key)
	said := ""
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		said, _ = url.QueryUnescape(string(b))
		if strings.HasPrefix(said, "{") {
			said = string(b)
		}
		w.WriteHeader(http.StatusInternalServerError)
	}))
	t.Cleanup(srv.Close)
	buyer := payment.Buyer{Name: "سارا", Mobile: "09121234567", Email: "s@example.com"}
	for name, c := range map[string]struct {
		provider payment.Provider
		want     []string
		never    []string
	}{
		"idpay":    {&idpay.Provider{APIKey: "{env.BUYER_TEST_KEY}"}, []string{`"name":"سارا"`, `"phone":"09121234567"`, `"mail":"s@example.com"`}, nil},
		"zarinpal": {&zarinpal.Provider{MerchantID: "{env.BUYER_TEST_KEY}"}, []string{`"mobile":"09121234567"`, `"email":"s@example.com"`}, []string{"سارا"}},
		"zibal":    {&zibal.Provider{Merchant: "{env.BUYER_TEST_KEY}"}, []string{`"mobile":"09121234567"`}, []string{"سارا", "s@example"}},
		"nextpay":  {&nextpay.Provider{APIKey: "{env.BUYER_TEST_KEY}"}, []string{"customer_phone=09121234567"}, []string{"سارا", "s@example"}},
		"vandar":   {&vandar.Provider{APIKey: "{env.BUYER_TEST_KEY}"}, []string{`"mobile_number":"09121234567"`}, []string{"سارا", "s@example"}},
		"payping":  {&payping.Provider{Token: "{env.BUYER_TEST_KEY}"}, []string{`"payerName":"سارا"`, `"payerIdentity":"09121234567"`}, []string{"s@example"}},
	} {
		at(c.provider, srv.URL)
		if err := providertest.Provision(t, c.provider.(caddy.Provisioner)); err != nil { //nolint:forcetypeassert // all are
			t.Fatalf("%s: %v", name, err)
		}
		create := func(b payment.Buyer) string {
			said = ""
			_, err := c.provider.(payment.Creator).Create(context.Background(), payment.Order{ //nolint:forcetypeassert // all are
				Number: "A7", Amount: 1_200_000, Return: "https://shop.example/back", Title: "A mug", Buyer: b,
			})
			if err == nil || strings.Contains(err.Error(), buyer.Mobile) {
				t.Errorf("%s: %v", name, err)
			}
			return said
		}
		got := create(buyer)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s hears %s, without %s", name, got, want)
			}
		}
		for _, never := range c.never {
			if strings.Contains(got, never) {
				t.Errorf("%s hears %s", name, got)
			}
		}
		got = create(payment.Buyer{})
		for _, field := range []string{`"name"`, "phone", "mobile", `"mail"`, "email", "payer"} {
			if strings.Contains(strings.ReplaceAll(got, "payer_desc", ""), field) {
				t.Errorf("%s of nobody: %s", name, got)
			}
		}
	}
}

// at sets where a gateway's API is.
func at(p payment.Provider, base string) {
	timeout := caddy.Duration(10 * time.Second)
	switch p := p.(type) {
	case *idpay.Provider:
		p.BaseURL, p.Timeout = base, timeout
	case *zarinpal.Provider:
		p.BaseURL, p.Timeout = base, timeout
	case *zibal.Provider:
		p.BaseURL, p.Timeout = base, timeout
	case *nextpay.Provider:
		p.BaseURL, p.Timeout = base, timeout
	case *vandar.Provider:
		p.BaseURL, p.Timeout = base, timeout
	case *payping.Provider:
		p.BaseURL, p.Timeout = base, timeout
	}
}
