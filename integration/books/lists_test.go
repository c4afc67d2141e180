// Package books_test compares ledgers with the lists of the sandbox's gateways.
package books_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/idpay"
	"github.com/rahgir/caddy-payments/providers/providertest"
	"github.com/rahgir/caddy-payments/providers/zibal"
	"github.com/rahgir/caddy-payments/sandbox"
)

// gateway is a provider of ours that speaks with its twin in the sandbox.
type gateway interface {
	payment.Provider
	payment.Creator
	payment.Bookkeeper
	caddy.Provisioner
}

// Each list, of more than one page, has what was paid and nothing else: with its state,
// its amount in rials, its id, and when.
func TestListsOfTheGateways(t *testing.T) {
	const key = "6a7f99eb-7c20-4412-a972-6dfb7cd253a4"
	for name, of := range map[string]func(base string) gateway{
		"idpay": func(base string) gateway {
			p := &idpay.Provider{APIKey: key}
			p.BaseURL = base
			return p
		},
		"zibal": func(base string) gateway {
			p := &zibal.Provider{Merchant: "merchant-of-the-test", AccessToken: "token-of-the-platform"}
			p.BaseURL = base
			return p
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("A_KEY", key)
			box, err := sandbox.New(sandbox.Options{})
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(box)
			defer server.Close()
			p := of(server.URL + "/" + name)
			if err := providertest.Provision(t, p); err != nil {
				t.Fatal(err)
			}
			ctx := t.Context()
			want := map[string]payment.BookedState{}
			begin := time.Now().Add(-time.Minute)
			const n = 130 // pages are of 25 and 50
			for i := range n {
				amount := payment.Rials(20_000 + 10*i)
				started, err := p.Create(ctx, payment.Order{Number: fmt.Sprint("order-", i), Amount: amount, Return: "https://shop.example/back"})
				if err != nil {
					t.Fatal(err)
				}
				act := func(a string) {
					t.Helper()
					if _, err := box.Act(started.ID, a); err != nil {
						t.Fatal(err)
					}
				}
				verify := func() {
					t.Helper()
					if a := p.Verify(ctx, payment.Query{ID: started.ID, Order: fmt.Sprint("order-", i), Amount: amount}); a.Outcome != payment.OutcomePaid {
						t.Fatalf("%+v", a)
					}
				}
				switch i % 5 {
				case 0: // nobody pays
				case 1:
					act(sandbox.ActionDecline)
				case 2:
					act(sandbox.ActionPay)
					want[started.ID] = payment.BookedAwaiting
				case 3:
					act(sandbox.ActionPay)
					verify()
					want[started.ID] = payment.BookedPaid
				case 4:
					act(sandbox.ActionPay)
					verify()
					act(sandbox.ActionRefund)
					want[started.ID] = payment.BookedReturned
				}
			}
			got := map[string]payment.Booked{}
			err = p.Book(ctx, begin, time.Now().Add(time.Minute), func(b payment.Booked) error {
				if _, twice := got[b.ID]; twice {
					t.Errorf("%s is listed twice", b.ID)
				}
				got[b.ID] = b
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			for id, state := range want {
				b := got[id]
				if b.State != state || b.Amount < 20_000 || b.Amount > 20_000+10*n || b.Order == "" || b.At.Before(begin) || b.At.After(time.Now().Add(time.Second)) {
					t.Errorf("%s: %+v, want %s", id, b, state)
				}
			}
			if len(got) != len(want) {
				t.Errorf("%d in the list, want %d", len(got), len(want))
			}
			none := 0
			if err := p.Book(ctx, begin.AddDate(0, 0, -9), begin.AddDate(0, 0, -7), func(payment.Booked) error { none++; return nil }); err != nil || none != 0 {
				t.Errorf("before all payments: %d, %v", none, err)
			}
			gone, cancel := context.WithCancel(ctx)
			cancel()
			if err := p.Book(gone, begin, time.Now(), func(payment.Booked) error { return nil }); err == nil {
				t.Error("a list that was not answered is taken for an empty one")
			}
		})
	}
}
