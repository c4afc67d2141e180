package badger

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rahgir/caddy-payments/payment"
)

// withSieves makes sieves of few payments, by a clock of the test.
func withSieves(size int, now func() time.Time) Option {
	return func(c *config) { c.sieveSize, c.now = size, now }
}

// theClock is one that a test sets.
type theClock struct{ at atomic.Int64 }

func (c *theClock) now() time.Time       { return time.Unix(0, c.at.Load()).UTC() }
func (c *theClock) wait(d time.Duration) { c.at.Add(int64(d)) }

// Whatever a payment is found by, and whenever it got it, before its sieve was made, after
// or beside it, a listing by that finds exactly the payments that have it, in their order.
func TestSievesFindWhatAWalkFinds(t *testing.T) {
	t.Parallel()
	var clock theClock
	clock.at.Store(time.Date(2026, 3, 21, 8, 0, 0, 0, time.UTC).UnixNano())
	s := open(t, filepath.Join(t.TempDir(), "ledger"), withSieves(3, clock.now))
	world := 0
	rapid.Check(t, func(rt *rapid.T) {
		// Worlds lie behind each other in one ledger, and share no value.
		world++
		clock.wait(24 * time.Hour)
		its := func(value string) string { return value + strconv.Itoa(world) }
		ctx := context.Background()
		var all []*payment.Record
		check := func(when string) {
			for f, values := range map[payment.Field][]string{
				payment.FieldOrder: {"A-1-", "a-2-", "a-3-"}, payment.FieldReference: {"900012", "900013"},
				payment.FieldTrack: {"track-"}, payment.FieldID: {"id-0-", "id-1-", "id-5-"}, payment.FieldItem: {"Mug", "book"},
			} {
				for _, v := range values {
					v = its(v)
					q := payment.Listing{Search: []payment.Term{payment.NewTerm(f, v)}, Limit: rapid.SampledFrom([]int{1, 2, 100}).Draw(rt, "limit")}
					var got, want []payment.Ref
					for {
						page, err := s.List(ctx, q)
						if err != nil {
							rt.Fatal(err)
						}
						for _, r := range page.Records {
							got = append(got, r.Ref)
						}
						if q.Cursor = page.Next; q.Cursor == "" {
							break
						}
					}
					for _, r := range all {
						if r.HasAny(q.Search) {
							want = append(want, r.Ref)
						}
					}
					slices.Sort(got)
					slices.Sort(want)
					if !slices.Equal(got, want) {
						rt.Fatalf("%s, by %c %s: %v, want %v", when, f, v, got, want)
					}
				}
			}
		}
		n := 0
		rt.Repeat(map[string]func(*rapid.T){
			"": func(*rapid.T) {},
			"create": func(rt *rapid.T) {
				late := time.Duration(rapid.SampledFrom([]int{0, 0, 0, 1, 3600}).Draw(rt, "late")) * time.Second
				r := &payment.Record{Site: "s", Provider: "idpay", Issuer: "i", ID: its("id-" + strconv.Itoa(n) + "-"), Order: its(rapid.SampledFrom([]string{"A-1-", "a-2-"}).Draw(rt, "order")),
					State: payment.Created, CreatedAt: clock.now().Add(-late), Expect: payment.Expectation{Item: its(rapid.SampledFrom([]string{"mug", "Book"}).Draw(rt, "item"))}}
				r.Ref = payment.NewRef("s", "i", r.ID, strconv.Itoa(n))
				n++
				if err := s.Commit(ctx, payment.Change{Record: r}); err != nil {
					rt.Fatal(err)
				}
				all = append(all, r)
			},
			"change": func(rt *rapid.T) {
				if len(all) == 0 {
					return
				}
				r := rapid.SampledFrom(all).Draw(rt, "which")
				r.Receipt = &payment.Receipt{ID: r.ID, Reference: its(rapid.SampledFrom([]string{"", "900012", "900013"}).Draw(rt, "reference"))}
				r.Track.ID = rapid.SampledFrom([]string{"", its("track-")}).Draw(rt, "track")
				c := payment.Change{Record: r}
				if rapid.Bool().Draw(rt, "receipt") {
					c.Take = []payment.Key{payment.ReceiptKey(r.Issuer, r.ID)}
				}
				if err := s.Commit(ctx, c); err != nil {
					rt.Fatal(err)
				}
			},
			"forget": func(rt *rapid.T) {
				i := slices.IndexFunc(all, func(r *payment.Record) bool { return r.Receipt == nil })
				if i < 0 {
					return
				}
				r := all[i]
				r.State = payment.Expired
				if err := errors.Join(s.Commit(ctx, payment.Change{Record: r}), s.Forget(ctx, r.Ref, r.Version)); err != nil {
					rt.Fatal(err)
				}
				all = slices.Delete(all, i, i+1)
			},
			"wait": func(rt *rapid.T) {
				clock.wait(time.Duration(rapid.IntRange(1, 1200).Draw(rt, "seconds")) * time.Second)
			},
			"sieve": func(rt *rapid.T) {
				if err := s.sieveAll(ctx); err != nil {
					rt.Fatal(err)
				}
			},
		})
		check("before")
		clock.wait(time.Hour)
		if err := s.sieveAll(ctx); err != nil {
			rt.Fatal(err)
		}
		check("all sieved")
	})
}

// An entry that is written while sieves are made, after they were and before they stand
// in the ledger, has them made anew.
func TestSievesBesideChanges(t *testing.T) {
	var s *Store
	ctx := context.Background()
	meanwhile := func() {}
	s = open(t, filepath.Join(t.TempDir(), "ledger"), withSieves(3, time.Now), func(c *config) { c.sieving = func() { meanwhile() } })
	commit := func(i int) {
		t.Helper()
		r := delivered(i)
		r.Track.ID = fmt.Sprintf("visit-%d", i)
		must(t, s.Commit(ctx, payment.Change{Record: r, Take: r.Keys(false)}))
	}
	for i := range 9 {
		commit(2 * i)
	}
	meanwhile = func() { commit(3) }
	if _, err := s.sieve(ctx); !errors.Is(err, errLate) {
		t.Errorf("an old payment came meanwhile: %v", err)
	}
	meanwhile = func() { commit(101) } // newer than all that is sieved: no matter, or one more time
	if _, err := s.sieve(ctx); err != nil && !errors.Is(err, errLate) {
		t.Fatal(err)
	}
	meanwhile = func() {}
	must(t, s.sieveAll(ctx))
	commit(5) // after its sieve
	for _, i := range []int{0, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 101} {
		page, err := s.List(ctx, payment.Listing{Search: []payment.Term{payment.NewTerm(payment.FieldTrack, fmt.Sprintf("visit-%d", i))}})
		if err != nil || len(page.Records) != 1 {
			t.Errorf("payment %d: %d found, %v", i, len(page.Records), err)
		}
	}
}

// A walker whose caller has gone says so, and not that there is nothing.
func TestSievesStopWithTheirCaller(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "ledger"))
	bulk(t, s, 0, 1500, delivered)
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if page, err := s.List(ctx, payment.Listing{Search: []payment.Term{payment.NewTerm(payment.FieldTrack, "none")}}); !errors.Is(err, context.Canceled) {
		t.Errorf("%d records, %v", len(page.Records), err)
	}
}
