package storagetest

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// found returns a payment with everything that one can be found by.
func found(n int) *payment.Record {
	r := newRecord(n)
	r.Order = "Order-" + itoa(n) + "-سفارش"
	r.Expect.Item = "Mug"
	r.Receipt = &payment.Receipt{
		Amount: 1_200_000, Paid: 1_205_000, Number: "000" + itoa(70_000+n), Reference: itoa(900_000 + n),
		Card: "603799******" + itoa(1000+n),
	}
	r.Track = payment.Track{ID: "Track-" + itoa(n), Affiliate: "network"}
	r.Buyer = payment.Buyer{Name: "Sara", Mobile: "0912" + itoa(1_000_000+n)}
	r.Reports = []payment.Report{{To: "network", Kind: payment.ReportSale, State: payment.SentReport}}
	return r
}

// Each payment is found by everything that is known of it, whether it holds its keys or
// not, also after the store was opened anew.
func testFindTerms(t *testing.T, h Harness) {
	s := h.Open(t)
	const n = 12
	for i := range n {
		r := found(i)
		if i%2 == 0 {
			put(t, s, r, r.Keys(false)...)
		} else {
			put(t, s, r)
		}
	}
	look := func() {
		t.Helper()
		for i := range n {
			r := found(i)
			for what, term := range map[string]payment.Term{
				"order":             payment.NewTerm(payment.FieldOrder, r.Order),
				"order in capitals": payment.NewTerm(payment.FieldOrder, strings.ToUpper(r.Order)),
				"id":                payment.NewTerm(payment.FieldID, r.ID),
				"bank reference":    payment.NewTerm(payment.FieldReference, r.Receipt.Reference),
				"receipt number":    payment.NewTerm(payment.FieldNumber, strings.TrimLeft(r.Receipt.Number, "0")),
				"last four":         payment.NewTerm(payment.FieldCard, r.Receipt.Card),
				"buyer's mobile":    payment.NewTerm(payment.FieldMobile, "+98"+r.Buyer.Mobile[1:]),
				"track":             payment.NewTerm(payment.FieldTrack, r.Track.ID),
				"reference":         payment.NewTerm(payment.FieldRef, string(r.Ref)),
				"eight of it":       payment.NewTerm(payment.FieldRef, strings.ToUpper(string(r.Ref[:8]))),
				"nine of it":        payment.NewTerm(payment.FieldRef, string(r.Ref[:9])),
			} {
				if got := refs(all(t, s, payment.Listing{Search: []payment.Term{term}})); !slices.Equal(got, []payment.Ref{r.Ref}) {
					t.Errorf("by its %s payment %d finds %v", what, i, got)
				}
			}
		}
		for what, term := range map[string]payment.Term{
			"price": payment.NewTerm(payment.FieldAmount, "1200000"),
			"paid":  payment.NewTerm(payment.FieldAmount, "1205000"),
			"item":  payment.NewTerm(payment.FieldItem, "mUG"),
		} {
			for _, limit := range []int{0, 1, 5} {
				if got := all(t, s, payment.Listing{Search: []payment.Term{term}, Limit: limit}); len(got) != n {
					t.Errorf("by its %s, %d a page: %d of %d", what, limit, len(got), n)
				}
			}
		}
		both := []payment.Term{payment.NewTerm(payment.FieldID, found(3).ID), payment.NewTerm(payment.FieldCard, found(5).Receipt.Card), payment.NewTerm(payment.FieldOrder, found(5).Order)}
		if got := refs(all(t, s, payment.Listing{Search: both, Limit: 1})); !slices.Equal(got, []payment.Ref{found(5).Ref, found(3).Ref}) {
			t.Errorf("by one of three terms: %v", got)
		}
		for _, term := range []payment.Term{
			payment.NewTerm(payment.FieldOrder, "none"), payment.NewTerm(payment.FieldRef, "zzzzzzzz"), payment.NewTerm(payment.FieldRef, "not a reference"),
			payment.NewTerm(payment.FieldRef, strings.Repeat("0", 60)), payment.NewTerm(payment.FieldNumber, "1"),
		} {
			if got := all(t, s, payment.Listing{Search: []payment.Term{term}}); len(got) != 0 {
				t.Errorf("%v finds %d", term, len(got))
			}
		}
	}
	look()
	s = h.Reopen(t, s)
	look()
}

// What a payment is found by follows its changes.
func testFindChanges(t *testing.T, h Harness) {
	s := h.Open(t)
	r := newRecord(1)
	r.Order = ""
	put(t, s, r)
	by := func(f payment.Field, value string) bool {
		return len(all(t, s, payment.Listing{Search: []payment.Term{payment.NewTerm(f, value)}})) == 1
	}
	r.Order = "One"
	r.Receipt = &payment.Receipt{Reference: "111", Card: "603799******1111", Number: "222", Amount: r.Expect.Amount}
	put(t, s, r)
	if !by(payment.FieldReference, "111") || !by(payment.FieldCard, "1111") || !by(payment.FieldNumber, "222") || !by(payment.FieldOrder, "ONE") {
		t.Error("not found by what it became")
	}
	put(t, s, r, r.Keys(false)...)
	if !by(payment.FieldNumber, "0222") || !by(payment.FieldID, r.ID) {
		t.Error("not found by the keys that it took")
	}
	r.Receipt = &payment.Receipt{Reference: "333", Amount: r.Expect.Amount, Number: "222"}
	r.Provider, r.Site = "other", "other.example"
	put(t, s, r)
	if by(payment.FieldReference, "111") || by(payment.FieldCard, "1111") || !by(payment.FieldReference, "333") {
		t.Error("found by what it was")
	}
	for _, q := range []payment.Listing{{Provider: "other"}, {Site: "other.example"}, {Site: "other.example", Provider: "other"}} {
		if got := all(t, s, q); len(got) != 1 {
			t.Errorf("%+v finds %d", q, len(got))
		}
	}
	for _, q := range []payment.Listing{{Provider: "idpay"}, {Site: "shop.example"}, {Site: "shop.example", Provider: "other"}, {Provider: "none"}} {
		if got := all(t, s, q); len(got) != 0 {
			t.Errorf("%+v finds %d", q, len(got))
		}
	}
}

func testFindDates(t *testing.T, h Harness) {
	s := h.Open(t)
	for i := range 10 {
		put(t, s, newRecord(i))
	}
	at := func(n int) time.Time { return newRecord(n).CreatedAt }
	for what, c := range map[string]struct {
		from, to time.Time
		want     int
	}{
		"all":                      {at(0), at(10), 10},
		"from is inclusive":        {at(3), time.Time{}, 7},
		"a nanosecond later":       {at(3).Add(1), time.Time{}, 6},
		"to is exclusive":          {time.Time{}, at(3), 3},
		"a nanosecond later still": {time.Time{}, at(3).Add(1), 4},
		"one":                      {at(3), at(3).Add(1), 1},
		"none":                     {at(3), at(3), 0},
		"turned around":            {at(5), at(3), 0},
		"before all":               {time.Time{}, at(0), 0},
		"after all":                {at(10), time.Time{}, 0},
		"the distant past":         {time.Unix(-1, 0), time.Unix(0, 1), 0},
		"the distant future":       {time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC), time.Time{}, 0},
		"until the distant future": {time.Time{}, time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC), 10},
	} {
		for _, limit := range []int{0, 2} {
			q := payment.Listing{From: c.from, To: c.to, Limit: limit}
			if got := all(t, s, q); len(got) != c.want {
				t.Errorf("%s, %d a page: %d, want %d", what, limit, len(got), c.want)
			}
			q.Provider = "idpay"
			if got := all(t, s, q); len(got) != c.want {
				t.Errorf("%s, of one provider: %d, want %d", what, len(got), c.want)
			}
		}
	}
}

func testFindWaiting(t *testing.T, h Harness) {
	s := h.Open(t)
	i := 0
	want := 0
	for _, st := range payment.States() {
		for _, why := range []payment.Reason{"", payment.ReasonUnreachable, payment.ReasonOwed} {
			r := newRecord(i)
			i++
			r.State, r.Reason = st, why
			if i%3 == 0 {
				r.Refunds = []payment.Refund{{Kind: payment.KindRefund, State: payment.RefundUnknown, Amount: 1000, Began: base}}
			}
			if r.Waits() {
				want++
			}
			put(t, s, r)
		}
	}
	for _, limit := range []int{0, 2} {
		if got := all(t, s, payment.Listing{Waiting: true, Limit: limit}); len(got) != want {
			t.Errorf("%d wait, want %d", len(got), want)
		}
	}
	for _, r := range all(t, s, payment.Listing{Waiting: true}) {
		r.State, r.Reason, r.Refunds = payment.Delivered, "", nil
		put(t, s, r)
	}
	if got := all(t, s, payment.Listing{Waiting: true}); len(got) != 0 {
		t.Errorf("%d wait that are done", len(got))
	}
}

// A listing is exactly what its filter selects, the newest first, whatever is asked for
// and however large a page is.
func testFindGenerated(t *testing.T, h Harness) {
	s := h.Open(t)
	src := rand.New(rand.NewPCG(1, 2))
	pick := func(of ...string) string { return of[src.IntN(len(of))] }
	states := payment.States()
	kinds := []payment.ReportKind{payment.ReportSale, payment.TellDelivered}
	reasons := []payment.Reason{"", payment.ReasonUnreachable, payment.ReasonNoProof, payment.ReasonOwed, payment.ReasonNoAccount, payment.ReasonNoRoute}
	fields := []payment.Field{
		payment.FieldRef, payment.FieldOrder, payment.FieldID, payment.FieldReference, payment.FieldNumber, payment.FieldCard,
		payment.FieldAmount, payment.FieldItem, payment.FieldTrack,
	}
	var records []*payment.Record
	shake := func(r *payment.Record) {
		r.State, r.Reason = states[src.IntN(len(states))], reasons[src.IntN(len(reasons))]
		r.Site, r.Provider = pick("a.example", "b.example", "c.example"), pick("idpay", "sama")
		r.Order = pick("One", "one", "two", "")
		r.Expect.Item, r.Expect.Amount = pick("", "mug", "Mug"), payment.Rials(1000*(1+src.IntN(3)))
		if r.Due = (time.Time{}); src.IntN(2) == 0 {
			r.Due = base.Add(time.Duration(src.IntN(100)) * time.Second)
		}
		if r.Receipt = nil; src.IntN(2) == 0 {
			r.Receipt = &payment.Receipt{
				Reference: pick("", "1", "22", "0022"), Number: pick("", "5", "6"), Card: pick("", "603799******1234", "603799******0001"),
				Amount: payment.Rials(1000 * src.IntN(4)), Paid: payment.Rials(1000 * src.IntN(4)),
			}
		}
		if r.Refunds = nil; src.IntN(4) == 0 {
			r.Refunds = []payment.Refund{{Kind: payment.KindRefund, State: payment.RefundState(pick("asking", "unknown", "done", "refused")), Amount: 1000, Began: base}}
		}
		if r.Reports, r.Track = nil, (payment.Track{}); src.IntN(2) == 0 {
			r.Track.ID = pick("", "t1", "t2")
			for range 1 + src.IntN(2) {
				r.Reports = append(r.Reports, payment.Report{To: "it", Kind: kinds[src.IntN(len(kinds))], State: payment.ReportState(pick("open", "sent", "rejected", "parked"))})
			}
		}
	}
	for i := range 120 {
		r := newRecord(i)
		r.CreatedAt = base.Add(time.Duration(src.IntN(40)) * time.Second) // many share a moment
		shake(r)
		put(t, s, r)
		records = append(records, r)
	}
	for range 120 {
		r := records[src.IntN(len(records))]
		shake(r)
		put(t, s, r)
	}
	newest := func() []*payment.Record { return all(t, s, payment.Listing{Limit: 1000}) }()
	if len(newest) != len(records) {
		t.Fatalf("%d of %d", len(newest), len(records))
	}
	for n := range 400 {
		q := payment.Listing{Limit: []int{0, 1, 3, 1000}[src.IntN(4)]}
		for range src.IntN(3) {
			q.States = append(q.States, states[src.IntN(len(states))])
		}
		q.OrPerson = src.IntN(3) == 0
		maybe := func(p *string, of ...string) {
			if src.IntN(4) == 0 {
				*p = pick(of...)
			}
		}
		maybe(&q.Site, "a.example", "b.example", "none")
		maybe(&q.Provider, "idpay", "sama", "none")
		maybe(&q.Order, "One", "one", "none")
		if src.IntN(8) == 0 {
			q.ID = records[src.IntN(len(records))].ID
		}
		q.Waiting = src.IntN(5) == 0
		if src.IntN(5) == 0 {
			q.Conversion = payment.ReportState(pick("open", "rejected", "parked"))
		}
		if src.IntN(5) == 0 {
			q.Webhook = payment.ReportState(pick("open", "rejected", "parked"))
		}
		q.Owed = src.IntN(6) == 0
		if src.IntN(3) == 0 {
			q.From = base.Add(time.Duration(src.IntN(40)) * time.Second)
		}
		if src.IntN(3) == 0 {
			q.To = base.Add(time.Duration(src.IntN(40)) * time.Second)
		}
		for range src.IntN(3) * src.IntN(2) {
			f := fields[src.IntN(len(fields))]
			value := pick("one", "mug", "1", "22", "5", "1234", "t1", strconv.Itoa(1000*(1+src.IntN(3))))
			if f == payment.FieldRef || f == payment.FieldID {
				value = string(records[src.IntN(len(records))].Ref[:1+src.IntN(9)])
			}
			q.Search = append(q.Search, payment.NewTerm(f, value))
		}
		var want []payment.Ref
		for _, r := range newest {
			if q.Selects(r) {
				want = append(want, r.Ref)
			}
		}
		if got := refs(all(t, s, q)); !slices.Equal(got, want) {
			t.Fatalf("question %d, %+v: %d records, want %d", n, q, len(got), len(want))
		}
	}
}
