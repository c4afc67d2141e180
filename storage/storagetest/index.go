package storagetest

import (
	"slices"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

func due(t testing.TB, s payment.Store, at time.Time, limit int) []payment.Ref {
	t.Helper()
	got, err := s.Due(ctx, at, limit)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func testDue(t *testing.T, h Harness) {
	s := h.Open(t)
	// Written in another order than they are due.
	for _, i := range []int{3, 0, 4, 1, 2} {
		r := newRecord(i)
		r.Due = base.Add(time.Duration(i) * time.Minute)
		put(t, s, r)
	}
	put(t, s, newRecord(9)) // never due
	want := []payment.Ref{newRecord(0).Ref, newRecord(1).Ref, newRecord(2).Ref}
	if got := due(t, s, base.Add(2*time.Minute), 10); !slices.Equal(got, want) {
		t.Errorf("not the oldest first, or not up to the time itself: %v", got)
	}
	if got := due(t, s, base.Add(time.Hour), 2); !slices.Equal(got, want[:2]) {
		t.Errorf("with a limit: %v", got)
	}
	if got := due(t, s, base.Add(-time.Nanosecond), 10); len(got) != 0 {
		t.Errorf("before any is due: %v", got)
	}
	s = h.Reopen(t, s)
	if got := due(t, s, base.Add(time.Hour), 10); len(got) != 5 {
		t.Errorf("after reopening: %v", got)
	}
}

func testDueMoves(t *testing.T, h Harness) {
	s := h.Open(t)
	a, b := newRecord(1), newRecord(2)
	a.Due, b.Due = base.Add(time.Minute), base.Add(2*time.Minute)
	put(t, s, a)
	put(t, s, b)
	hour := base.Add(time.Hour)
	if got := due(t, s, hour, 10); !slices.Equal(got, []payment.Ref{a.Ref, b.Ref}) {
		t.Fatal(got)
	}
	a.Due = base.Add(3 * time.Minute)
	put(t, s, a)
	if got := due(t, s, hour, 10); !slices.Equal(got, []payment.Ref{b.Ref, a.Ref}) {
		t.Fatalf("after a move: %v", got)
	}
	b.Due = time.Time{}
	put(t, s, b)
	if got := due(t, s, hour, 10); !slices.Equal(got, []payment.Ref{a.Ref}) {
		t.Fatalf("after a removal: %v", got)
	}
	// Earlier than anything that was ever looked at.
	b.Due = base.Add(-time.Hour)
	put(t, s, b)
	if got := due(t, s, hour, 10); !slices.Equal(got, []payment.Ref{b.Ref, a.Ref}) {
		t.Fatalf("after a move to the past: %v", got)
	}
	// Lazily, after a look that found nothing.
	// A report is due by itself, and the earlier of the two counts.
	b.Reports = []payment.Report{{To: "network", State: payment.OpenReport, Next: base.Add(-2 * time.Hour)}, {To: "shop", State: payment.ParkedReport, Next: base.Add(-9 * time.Hour)}}
	put(t, s, b)
	if got, err := s.Due(ctx, base.Add(-90*time.Minute), 10); err != nil || !slices.Equal(got, []payment.Ref{b.Ref}) {
		t.Errorf("a report that is due: %v, %v", got, err)
	}
	b.Reports = nil
	a.Due, b.Due = time.Time{}, time.Time{}
	put(t, s, a)
	put(t, s, b)
	for i := range 20 {
		if got := due(t, s, hour, 10); len(got) != 0 {
			t.Fatalf("nothing should be due: %v", got)
		}
		a.Due = base.Add(-time.Duration(i) * time.Second)
		if err := s.Commit(ctx, payment.Change{Record: a, Lazy: true}); err != nil {
			t.Fatal(err)
		}
		if got := due(t, s, hour, 10); !slices.Equal(got, []payment.Ref{a.Ref}) {
			t.Fatalf("a lazy change's due time is not seen: %v", got)
		}
		a.Due = time.Time{}
		put(t, s, a)
	}
}

func testCursor(t *testing.T, h Harness) {
	s := h.Open(t)
	for i := range 30 {
		put(t, s, newRecord(i))
	}
	var got []payment.Ref
	q := payment.Listing{Limit: 4}
	for n := 1000; ; n++ {
		p, err := s.List(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, refs(p.Records)...)
		if p.Next == "" {
			break
		}
		q.Cursor = p.Next
		put(t, s, newRecord(n)) // newer than all: not part of this walk
	}
	if len(got) != 30 {
		t.Fatalf("%d records, want the 30 that were there", len(got))
	}
	for i, ref := range got {
		if ref != newRecord(29-i).Ref {
			t.Fatalf("place %d is another record", i)
		}
	}
}

func testFilters(t *testing.T, h Harness) {
	s := h.Open(t)
	states := payment.States()
	reports := append([]payment.ReportState{""}, payment.ReportStates()...)
	var rs []*payment.Record
	for i := range 132 {
		r := newRecord(i)
		r.State = states[i%len(states)]
		r.Site = []string{"a.example", "b.example"}[i%2]
		r.Provider = []string{"idpay", "sama", "24pal"}[i%3]
		r.Order = "order-" + itoa(i%10)
		r.ID = "id-" + itoa(i%20)
		if c := reports[i%len(reports)]; c != "" {
			r.Reports = []payment.Report{{To: "network", Kind: payment.ReportSale, State: c}}
		}
		if c := reports[i/len(reports)%len(reports)]; c != "" {
			r.Reports = append(r.Reports, payment.Report{To: "shop", Kind: payment.TellVerified, State: c})
		}
		if r.State == payment.Declined && i%2 == 0 {
			r.Reason = payment.ReasonOwed
		}
		put(t, s, r)
		rs = append(rs, r)
	}
	slices.Reverse(rs)
	check := func(q payment.Listing, want func(*payment.Record) bool) {
		t.Helper()
		var exp []payment.Ref
		for _, r := range rs {
			if want(r) {
				exp = append(exp, r.Ref)
			}
		}
		for _, limit := range []int{0, 3} {
			q.Limit = limit
			if got := refs(all(t, s, q)); !slices.Equal(got, exp) {
				t.Errorf("%+v: %d records, want %d", q, len(got), len(exp))
			}
		}
	}
	for _, st := range states {
		check(payment.Listing{States: []payment.State{st}}, func(r *payment.Record) bool { return r.State == st })
	}
	open := []payment.State{payment.Review, payment.Parked, payment.Unknown}
	check(payment.Listing{States: open}, func(r *payment.Record) bool { return slices.Contains(open, r.State) })
	mixed := []payment.State{payment.Review, payment.Delivered, payment.Review}
	check(payment.Listing{States: mixed}, func(r *payment.Record) bool { return slices.Contains(mixed, r.State) })
	for _, c := range reports[1:] {
		check(payment.Listing{Conversion: c}, func(r *payment.Record) bool { return r.ConversionState() == c })
		check(payment.Listing{Webhook: c}, func(r *payment.Record) bool {
			p := r.Report("shop", payment.TellVerified)
			return p != nil && p.State == c
		})
	}
	check(payment.Listing{Owed: true}, func(r *payment.Record) bool { return r.State == payment.Declined && r.Reason == payment.ReasonOwed })
	check(payment.Listing{Site: "a.example"}, func(r *payment.Record) bool { return r.Site == "a.example" })
	check(payment.Listing{Provider: "sama"}, func(r *payment.Record) bool { return r.Provider == "sama" })
	check(payment.Listing{Order: "order-3"}, func(r *payment.Record) bool { return r.Order == "order-3" })
	check(payment.Listing{ID: "id-13"}, func(r *payment.Record) bool { return r.ID == "id-13" })
	check(payment.Listing{ID: "id-13", Order: "order-3", Site: "b.example", States: open, Conversion: payment.OpenReport},
		func(r *payment.Record) bool {
			return r.ID == "id-13" && r.Order == "order-3" && r.Site == "b.example" && slices.Contains(open, r.State) &&
				r.ConversionState() == payment.OpenReport
		})
	check(payment.Listing{Order: "none"}, func(*payment.Record) bool { return false })
}

func testSameInstant(t *testing.T, h Harness) {
	s := h.Open(t)
	want := map[payment.Ref]bool{}
	for i := range 25 {
		r := newRecord(i)
		r.CreatedAt, r.Order, r.State, r.Due = base, "one", payment.Review, base
		put(t, s, r)
		want[r.Ref] = true
	}
	for _, q := range []payment.Listing{{}, {Order: "one"}, {States: []payment.State{payment.Review}}} {
		q.Limit = 4
		got := map[payment.Ref]bool{}
		for _, r := range all(t, s, q) {
			got[r.Ref] = true
		}
		if len(got) != len(want) {
			t.Errorf("%+v: %d of %d", q, len(got), len(want))
		}
	}
	if got := due(t, s, base, 100); len(got) != 25 {
		t.Errorf("%d due at one instant, want 25", len(got))
	}
}

func testBadCursor(t *testing.T, h Harness) {
	s := h.Open(t)
	put(t, s, newRecord(1))
	for _, c := range []string{"x", "not a cursor", "AAAA"} {
		if _, err := s.List(ctx, payment.Listing{Cursor: c}); err == nil {
			t.Errorf("%q was taken for a cursor", c)
		}
	}
}
