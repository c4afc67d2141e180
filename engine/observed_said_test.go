package engine_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/badger"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// together holds each of the first looks for an order's other payments until all have looked.
type together struct {
	payment.Store
	looks *sync.WaitGroup
	left  chan struct{}
}

func (s together) List(ctx context.Context, q payment.Listing) (payment.Page, error) {
	page, err := s.Store.List(ctx, q)
	select {
	case <-s.left:
		s.looks.Done()
		s.looks.Wait()
	default:
	}
	return page, err
}

// An order sells once by the shop's word, however many of its payments are brought at the
// same time, on one node or two, and once more when the payment that sold it was given back.
func TestAnOrderSellsOnceHoweverManyAreBroughtAtOnce(t *testing.T) {
	t.Parallel()
	for _, store := range []string{"memory", "badger"} {
		for _, n := range []int{1, 2, 16, 64} {
			t.Run(fmt.Sprint(store, " ", n), func(t *testing.T) {
				t.Parallel()
				var s payment.Store = memory.New(nil)
				if store == "badger" {
					b, err := badger.Open(filepath.Join(t.TempDir(), "ledger"))
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { _ = b.Close() })
					s = b
				}
				bank := &bank{t: t, store: memory.New(nil), traits: payment.Terms{Traits: payment.Traits{Issuer: "nextpay|x|live", Environment: "live"}}}
				node := func(s payment.Store) *engine.Engine {
					e, err := engine.New(t.Context(), engine.Config{
						Store: s, Sites: &plugins{}, Observer: &events{},
						Providers:  map[string]engine.Provider{"zarinpal": {Provider: mute{&relayBank{bank: bank}}, Timeout: time.Second}},
						Affiliates: map[string]payment.Reporter{"hamekar": &network{}},
					})
					if err != nil {
						t.Fatal(err)
					}
					return e
				}
				first := node(s)
				track := &payment.Track{ID: "visit-1", Affiliate: "hamekar"}
				id := func(round, i int) string { return fmt.Sprintf("K%d-%d", round, i) }
				refs := make(map[payment.Ref]bool)
				for round := range 3 {
					for i := range n {
						rec, err := first.Announce(t.Context(), engine.Announcement{Site: "shop", Provider: "zarinpal", ID: id(round, i), Order: "101", Amount: 50000, Track: track, Observed: true})
						if err != nil {
							t.Fatal(err)
						}
						refs[rec.Ref] = true
					}
					held := together{s, new(sync.WaitGroup), make(chan struct{}, n)}
					held.looks.Add(n)
					for range n {
						held.left <- struct{}{}
					}
					nodes := []*engine.Engine{node(held), node(held)}
					var all sync.WaitGroup
					for i := range n {
						all.Go(func() {
							err := nodes[i%2].Saw(context.Background(), returned(func(s *engine.Seen) {
								s.Asks, s.Paid, s.Order, s.Amount, s.Track, s.Claimed.ID = false, true, "101", 50000, track, id(round, i)
							}))
							if err != nil {
								t.Error(err)
							}
						})
					}
					all.Wait()
					var sold, seen []*payment.Record
					for ref := range refs {
						r, err := s.Get(t.Context(), ref)
						if err != nil {
							t.Fatal(err)
						}
						if r.State == payment.Delivered {
							seen = append(seen, r)
							if len(r.Reports) > 0 {
								sold = append(sold, r)
							}
						}
					}
					if len(sold) != 1 || len(seen) != n {
						t.Fatalf("round %d: of %d that were brought %d were seen and %d sold", round, n, len(seen), len(sold))
					}
					// Everything is given back, and the order is paid anew.
					for _, r := range seen {
						if _, err := first.Decide(t.Context(), r.Ref, r.Version, payment.DecideRepaid, payment.Note{By: "sara", Text: "back"}); err != nil {
							t.Fatal(err)
						}
					}
				}
			})
		}
	}
}
