package payment_test

import (
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rahgir/caddy-payments/payment"
)

func delivered(price payment.Rials) *payment.Record {
	return &payment.Record{ID: "K1", Order: "101", State: payment.Delivered, CreatedAt: t0,
		Expect: payment.Expectation{Amount: price, Source: payment.FromIntent}, Receipt: &payment.Receipt{ID: "K1", Order: "101", Amount: price}}
}

// Whatever is asked, answered and decided: one attempt at a time has an unknown end,
// and what went back or may have gone back is never more than the price. A payment is
// reversed when all of it certainly went back, and only then. The one exception is an answer
// that contradicts a person: it is on record all the same.
func TestRefundsNeverExceedThePrice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		price := payment.Rials(rapid.Int64Range(1, 100).Draw(t, "price"))
		terms := payment.GiveBackTerms{Partial: rapid.Bool().Draw(t, "partial"), Least: payment.Rials(rapid.Int64Range(0, 5).Draw(t, "least"))}
		r := delivered(price)
		key, contradicted := "", false
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			now := t0.Add(time.Duration(i) * 40 * time.Second)
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				key = "k" + strconv.Itoa(i)
				open, amount := r.OpenRefund(), payment.Rials(rapid.Int64Range(-1, 120).Draw(t, "amount"))
				left, leftErr := r.Repayable()
				err := r.BeginRefund(payment.Refund{Kind: payment.KindRefund, Amount: amount, Key: key}, terms, now)
				may := leftErr == nil && open < 0 && amount > 0 && amount <= left && (terms.Partial || amount == price) && amount >= terms.Least && len(r.Refunds) <= payment.MaxRefunds
				if err == nil != may && len(r.Refunds) < payment.MaxRefunds {
					t.Fatalf("%d of %d, open %d: %v", amount, left, open, err)
				}
			case 1:
				a := payment.GivenBack{Unsent: rapid.Bool().Draw(t, "unsent"), Outcome: rapid.SampledFrom([]payment.GiveBackOutcome{
					payment.GiveBackUnknown, payment.GiveBackDone, payment.GiveBackRefused, payment.GiveBackOperator, payment.GiveBackBusy}).Draw(t, "outcome")}
				open, repaid := r.OpenRefund(), r.Repaid()
				against, err := r.EndRefund(key, a, now)
				if err == nil && open < 0 && !against || against && (err != nil || open >= 0 && r.Refunds[open].Key == key || a.Outcome != payment.GiveBackDone || a.Unsent || r.Repaid() <= repaid) {
					t.Fatalf("open %d, against a person's word %v: %v", open, against, err)
				}
				contradicted = contradicted || against
			case 2:
				due := r.RefundDue()
				if err := r.SettleRefund(rapid.Bool().Draw(t, "done"), payment.Refund{By: "sara"}, now); err == nil && now.Before(due) {
					t.Fatal("a person speaks for an answer that may still come")
				}
			case 3:
				if _, err := r.EndRefund("another", payment.GivenBack{Outcome: payment.GiveBackDone}, now); !errors.Is(err, payment.ErrTransition) {
					t.Fatalf("another attempt's answer: %v", err)
				}
			}
			var sum payment.Rials
			opens := 0
			for _, f := range r.Refunds {
				if f.Open() {
					opens++
				}
				if f.State != payment.RefundRefused {
					sum += f.Amount
				}
			}
			if opens > 1 || sum > price && !contradicted || len(r.Refunds) > payment.MaxRefunds || (r.State == payment.Reversed) != (r.Repaid() >= price) {
				t.Fatalf("open %d, sum %d of %d, state %s: %+v", opens, sum, price, r.State, r.Refunds)
			}
		}
	})
}

// What a shop is still being told of isn't given back, and what may be on its way back
// isn't handed to the shop.
func TestRefundsAndHandOversExclude(t *testing.T) {
	for _, state := range payment.States() {
		r := delivered(500)
		r.State = state
		_, err := r.Repayable()
		if (err == nil) != (state == payment.Delivered || state == payment.Parked) {
			t.Errorf("%s: %v", state, err)
		}
	}
	owed := delivered(500)
	owed.State, owed.Reason = payment.Declined, "owed"
	if left, err := owed.Repayable(); err != nil || left != 500 {
		t.Errorf("owed: %d, %v", left, err)
	}
	bare := delivered(500)
	bare.Receipt = nil
	if _, err := bare.Repayable(); err == nil {
		t.Error("without a receipt")
	}
	r := delivered(500)
	r.State = payment.Parked
	if err := r.BeginRefund(payment.Refund{Kind: payment.KindReverse, Amount: 500, Key: "k"}, payment.GiveBackTerms{}, t0); err != nil {
		t.Fatal(err)
	}
	if err := r.StartDelivery(payment.ViaWorker, "", t0, payment.Lease{}); !errors.Is(err, payment.ErrTransition) {
		t.Errorf("handed over while its money may be on the way back: %v", err)
	}
	if _, err := r.EndRefund("k", payment.GivenBack{Outcome: payment.GiveBackRefused, Code: "-60"}, t0); err != nil || r.State != payment.Parked || r.Refunds[0].Code != "-60" {
		t.Errorf("%v %+v", err, r)
	}
	if err := r.StartDelivery(payment.ViaWorker, "", t0, payment.Lease{}); err != nil {
		t.Error(err)
	}
}

func TestGiveBackAmounts(t *testing.T) {
	part := payment.GiveBackTerms{Partial: true, Least: 20_000, Step: 10}
	for _, c := range []struct {
		t      payment.GiveBackTerms
		amount payment.Rials
		ok     bool
	}{
		{payment.GiveBackTerms{}, 50_000, true}, {payment.GiveBackTerms{}, 49_999, false}, {payment.GiveBackTerms{}, 50_001, false}, {payment.GiveBackTerms{}, 0, false}, {payment.GiveBackTerms{}, -50_000, false},
		{part, 50_000, true}, {part, 20_000, true}, {part, 19_990, false}, {part, 20_005, false}, {part, 20_010, true}, {part, 1 << 60, false},
	} {
		if err := c.t.CheckAmount(c.amount, 50_000); (err == nil) != c.ok {
			t.Errorf("%+v %d: %v", c.t, c.amount, err)
		}
	}
}

// The history tells each attempt and its end, and who said so.
func TestRefundsStandInTheHistory(t *testing.T) {
	r := delivered(500)
	if err := r.BeginRefund(payment.Refund{Kind: payment.KindRefund, Amount: 500, Key: "k", By: "sara", Note: "cancelled"}, payment.GiveBackTerms{}, t0); err != nil {
		t.Fatal(err)
	}
	if _, err := r.EndRefund("k", payment.GivenBack{Code: "http/502"}, t0); err != nil {
		t.Fatal(err)
	}
	if err := r.SettleRefund(true, payment.Refund{By: "ali", Note: "in the panel"}, t0); err != nil {
		t.Fatal(err)
	}
	want := []payment.Entry{
		{At: t0, Kind: payment.EntryGivingBack, Code: "500", By: "sara", Text: "cancelled"},
		{At: t0, Kind: payment.EntryBackUnknown, Text: "http/502"},
		{At: t0, Kind: payment.EntryGivenBack, By: "ali", Text: "in the panel"},
	}
	if !slices.Equal(r.History, want) || r.State != payment.Reversed {
		t.Errorf("%s %+v", r.State, r.History)
	}
}
