package operate

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/operate/reconcile"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// The list of decisions has the newest, whatever the order in which they were met.
func TestAuditIsBounded(t *testing.T) {
	t.Parallel()
	begun := time.Unix(1_790_000_000, 0).UTC()
	for _, n := range []int{0, 1, mostAudited - 1, mostAudited, mostAudited + 1, 4*mostAudited + 1, 9*mostAudited + 3} {
		for _, newestFirst := range []bool{true, false} {
			var s Stats
			for i := range n {
				at := i
				if newestFirst {
					at = n - 1 - i
				}
				s.audit(&payment.Record{Order: strconv.Itoa(at), History: []payment.Entry{
					{Kind: payment.EntryDecided, At: begun.Add(time.Duration(at) * time.Minute)}, {Kind: payment.EntryAsked},
				}})
				if len(s.Audit) > 4*mostAudited {
					t.Fatalf("%d: %d are remembered", n, len(s.Audit))
				}
			}
			s.sortAudit()
			if want := min(n, mostAudited); len(s.Audit) != want {
				t.Fatalf("%d: %d decisions, want %d", n, len(s.Audit), want)
			}
			for i, a := range s.Audit {
				if want := strconv.Itoa(n - 1 - i); a.Order != want {
					t.Fatalf("%d, newest first %v: the decision %d is of %s, want %s", n, newestFirst, i, a.Order, want)
				}
			}
		}
	}
}

// Counts are kept up to a bound, the newest; what was forgotten is counted again.
func TestKeptCountsAreBounded(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, mostCounts - 1, mostCounts, mostCounts + 1, 3 * mostCounts} {
		e, err := engine.New(t.Context(), engine.Config{Store: memory.New(nil)})
		if err != nil {
			t.Fatal(err)
		}
		s := statisticsOf(e)
		for i := range n {
			q := payment.Listing{Site: strconv.Itoa(i)}
			if _, err := Count(t.Context(), e, q); err != nil {
				t.Fatal(err)
			}
			if again := <-s.count(e, fmt.Sprintf("%+v %q", q, []string(nil)), q, nil); again.Err != nil { // again is not another
				t.Fatal(again.Err)
			}
		}
		if want := min(n, mostCounts); len(s.kept) != want || len(s.order) != want {
			t.Errorf("%d: %d counts and %d in order are kept, want %d", n, len(s.kept), len(s.order), want)
		}
	}
}

// asked is a provider that is asked about payments, and counts how often.
type asked struct {
	payment.Provider
	n int
}

func (a *asked) Inquire(context.Context, payment.Query) payment.Answer {
	a.n++
	return payment.Answer{Outcome: payment.OutcomePaid}
}

// A provider without a list is asked about so many payments, with a rest between two; how
// many were not asked about is said.
func TestInquiriesAreBounded(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, inquiriesMost - 1, inquiriesMost, inquiriesMost + 1, 3 * inquiriesMost} {
		synctest.Test(t, func(t *testing.T) {
			now := time.Now()
			var ours []*payment.Record
			for i := range n {
				ours = append(ours, &payment.Record{ID: strconv.Itoa(i), State: payment.Delivered, CreatedAt: now})
			}
			var out Reconciled
			bank := new(asked)
			list, err := out.inquire(t.Context(), engine.Provider{Provider: bank}, bank, ours, reconcile.Span{From: now.Add(-time.Hour), To: now.Add(time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			want := min(n, inquiriesMost)
			if bank.n != want || len(list) != want || out.Unasked != n-want {
				t.Errorf("%d: asked %d times, %d answers, %d not asked about", n, bank.n, len(list), out.Unasked)
			}
			if took, rest := time.Since(now), time.Duration(max(want-1, 0))*inquiryPause; took != rest {
				t.Errorf("%d: it took %s, want %s", n, took, rest)
			}
		})
	}
}

// Payments of a choice are read page by page up to a bound, of which the caller is told.
func TestWhatIsReadIsBounded(t *testing.T) {
	t.Parallel()
	const all = maxLimit + 3
	store := memory.New(nil)
	e, err := engine.New(t.Context(), engine.Config{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		r := &payment.Record{Ref: payment.NewRef("shop", "i", strconv.Itoa(i), ""), State: payment.Created, ID: strconv.Itoa(i), Issuer: "i", CreatedAt: time.Unix(int64(1_790_000_000+i), 0)}
		if err := store.Commit(t.Context(), payment.Change{Record: r}); err != nil {
			t.Fatal(err)
		}
	}
	for _, most := range []int{0, maxLimit - 1, maxLimit, maxLimit + 1, all, StatsMost} {
		n := 0
		whole, err := each(t.Context(), e, payment.Listing{}, most, func(*payment.Record) { n++ })
		if err != nil || n != min(most, all) || whole != (most >= all) {
			t.Errorf("%d: read %d, whole %v, %v", most, n, whole, err)
		}
	}
}

// booking is a provider whose own list has so many payments, and goes on to say so.
type booking struct{ n, said int }

func (b *booking) Book(_ context.Context, _, _ time.Time, f func(payment.Booked) error) error {
	for range b.n {
		b.said++
		if err := f(payment.Booked{}); err != nil {
			return err
		}
	}
	return nil
}

// A provider's list is compared up to a bound; beyond it nothing is, no more is asked for,
// and the owner is told what to choose.
func TestComparedListsAreBounded(t *testing.T) {
	t.Parallel()
	const most = 100
	for _, n := range []int{0, 1, most - 1, most, most + 1, 50 * most} {
		b := &booking{n: n}
		list, err := booked(t.Context(), b, Comparing{Provider: "p"}, most)
		if n <= most && (err != nil || len(list) != n) || n > most && (err == nil || b.said != most+1) {
			t.Errorf("%d: %d, %v", n, len(list), err)
		}
	}
}
