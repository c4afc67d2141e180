package reconcile_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rahgir/caddy-payments/operate/reconcile"
	"github.com/rahgir/caddy-payments/payment"
)

var day = reconcile.Span{From: time.Date(2026, 3, 20, 20, 30, 0, 0, time.UTC), To: time.Date(2026, 3, 21, 20, 30, 0, 0, time.UTC)}

func ours(id string, state payment.State, amount payment.Rials) *payment.Record {
	r := &payment.Record{ID: id, Order: "o-" + id, State: state, CreatedAt: day.From.Add(time.Hour), Expect: payment.Expectation{Amount: amount}, Ref: payment.NewRef("s", "i", id, "o-"+id)}
	if state.Captured() {
		r.Receipt = &payment.Receipt{ID: id, Amount: amount, Paid: amount, Number: "9" + id, Reference: "7" + id, PaidAt: r.CreatedAt}
	}
	return r
}

func theirs(id string, state payment.BookedState, amount payment.Rials) payment.Booked {
	return payment.Booked{ID: id, State: state, Amount: amount, At: day.From.Add(time.Hour)}
}

// Each way in which ledger and list can disagree has its name.
func TestDifferences(t *testing.T) {
	early, late := ours("1", payment.Delivered, 1000), ours("1", payment.Delivered, 1000)
	early.Receipt.PaidAt, late.Receipt.PaidAt = day.From.Add(-time.Nanosecond), day.To
	fee := ours("1", payment.Delivered, 1000)
	fee.Receipt.Paid = 1012
	for name, c := range map[string]struct {
		ours *payment.Record
		list []payment.Booked
		want reconcile.Kind
	}{
		"both paid":                       {ours("1", payment.Delivered, 1000), []payment.Booked{theirs("1", payment.BookedPaid, 1000)}, ""},
		"with the payer's fee":            {fee, []payment.Booked{theirs("1", payment.BookedPaid, 1012)}, ""},
		"parked is paid":                  {ours("1", payment.Parked, 1000), []payment.Booked{theirs("1", payment.BookedPaid, 1000)}, ""},
		"no amount in the list":           {ours("1", payment.Delivered, 1000), []payment.Booked{theirs("1", payment.BookedPaid, 0)}, ""},
		"not in the list":                 {ours("1", payment.Delivered, 1000), nil, reconcile.OursOnly},
		"a nanosecond before":             {early, nil, ""},
		"at its end":                      {late, nil, ""},
		"not in the ledger":               {nil, []payment.Booked{theirs("1", payment.BookedPaid, 1000)}, reconcile.TheirsOnly},
		"unpaid and unknown":              {nil, []payment.Booked{theirs("1", payment.BookedUnpaid, 1000)}, ""},
		"returned and unknown":            {nil, []payment.Booked{theirs("1", payment.BookedReturned, 1000)}, ""},
		"unverified and unknown":          {nil, []payment.Booked{theirs("1", payment.BookedAwaiting, 1000)}, reconcile.Unverified},
		"we said no":                      {ours("1", payment.Declined, 1000), []payment.Booked{theirs("1", payment.BookedPaid, 1000)}, reconcile.NotBooked},
		"we hold it for review":           {ours("1", payment.Review, 1000), []payment.Booked{theirs("1", payment.BookedPaid, 1000)}, reconcile.NotBooked},
		"their no":                        {ours("1", payment.Delivered, 1000), []payment.Booked{theirs("1", payment.BookedUnpaid, 1000)}, reconcile.NotPaid},
		"went back":                       {ours("1", payment.Delivered, 1000), []payment.Booked{theirs("1", payment.BookedReturned, 1000)}, reconcile.Returned},
		"went back, and we know":          {ours("1", payment.Reversed, 1000), []payment.Booked{theirs("1", payment.BookedReturned, 1000)}, ""},
		"waits, and we gave up":           {ours("1", payment.Declined, 1000), []payment.Booked{theirs("1", payment.BookedAwaiting, 1000)}, reconcile.Unverified},
		"waits, and we ask":               {ours("1", payment.Unknown, 1000), []payment.Booked{theirs("1", payment.BookedAwaiting, 1000)}, ""},
		"one rial":                        {ours("1", payment.Delivered, 1000), []payment.Booked{theirs("1", payment.BookedPaid, 1001)}, reconcile.AmountDiffers},
		"toman for rial":                  {ours("1", payment.Delivered, 1000), []payment.Booked{theirs("1", payment.BookedPaid, 100)}, reconcile.RialToman},
		"rial for toman":                  {ours("1", payment.Delivered, 1000), []payment.Booked{theirs("1", payment.BookedPaid, 10_000)}, reconcile.RialToman},
		"thousands":                       {ours("1", payment.Delivered, 1_000_000), []payment.Booked{theirs("1", payment.BookedPaid, 1000)}, reconcile.Factor1000},
		"new rial":                        {ours("1", payment.Delivered, 1_000_000), []payment.Booked{theirs("1", payment.BookedPaid, 100)}, reconcile.Factor10000},
		"twice":                           {ours("1", payment.Delivered, 1000), []payment.Booked{theirs("1", payment.BookedPaid, 1000), theirs("1", payment.BookedPaid, 1000)}, reconcile.ListedTwice},
		"by its receipt number":           {ours("1", payment.Delivered, 1000), []payment.Booked{{Number: "0091", State: payment.BookedPaid, Amount: 1000}}, ""},
		"by the bank's reference":         {ours("1", payment.Delivered, 1000), []payment.Booked{{Reference: "71", State: payment.BookedPaid, Amount: 1000}}, ""},
		"by its order":                    {ours("1", payment.Delivered, 1000), []payment.Booked{{Order: "O-1", State: payment.BookedPaid, Amount: 1000}}, ""},
		"another id with the same number": {ours("1", payment.Declined, 1000), []payment.Booked{{ID: "2", Reference: "71", State: payment.BookedPaid, Amount: 1000}}, reconcile.TheirsOnly},
	} {
		var all []*payment.Record
		if c.ours != nil {
			all = append(all, c.ours)
		}
		got := reconcile.Compare(all, c.list, day, true)
		switch {
		case c.want == "" && len(got.Differences) > 0:
			t.Errorf("%s: %+v", name, got.Differences)
		case c.want != "" && (len(got.Differences) != 1 || got.Differences[0].Kind != c.want || got.Differences[0].Text == ""):
			t.Errorf("%s: %+v, want %s", name, got.Differences, c.want)
		}
	}
}

// A list that was made of the ledger agrees with it, in any order; what is taken away,
// added or changed, and nothing else, is a difference.
func TestComparingFindsExactlyWhatWasChanged(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var all []*payment.Record
		var list []payment.Booked
		want := map[string]reconcile.Kind{}
		for i := range rapid.IntRange(0, 40).Draw(rt, "payments") {
			id := fmt.Sprint(i)
			amount := payment.Rials(rapid.Int64Range(1000, 1e12).Draw(rt, "amount"))
			switch rapid.IntRange(0, 5).Draw(rt, "what") {
			case 0:
				all, want[id] = append(all, ours(id, payment.Delivered, amount)), reconcile.OursOnly
			case 1:
				list, want[id] = append(list, theirs(id, payment.BookedPaid, amount)), reconcile.TheirsOnly
			case 2:
				all, list = append(all, ours(id, payment.Delivered, amount)), append(list, theirs(id, payment.BookedPaid, amount*10))
				want[id] = reconcile.RialToman
			case 3:
				all, list = append(all, ours(id, payment.Declined, amount)), append(list, theirs(id, payment.BookedUnpaid, amount))
			default:
				all, list = append(all, ours(id, payment.Delivered, amount)), append(list, theirs(id, payment.BookedPaid, amount))
			}
		}
		got := reconcile.Compare(rapid.Permutation(all).Draw(rt, "ours"), rapid.Permutation(list).Draw(rt, "list"), day, true)
		if len(got.Differences) != len(want) {
			rt.Fatalf("%+v, want %v", got.Differences, want)
		}
		for _, d := range got.Differences {
			if want[d.ID] != d.Kind {
				rt.Fatalf("%+v, want %v", d, want)
			}
		}
	})
}
