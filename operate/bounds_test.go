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
			if _, err := s.count(e, fmt.Sprintf("%+v %q", q, []string(nil)), q, nil); err != nil { // again is not another
				t.Fatal(err)
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
