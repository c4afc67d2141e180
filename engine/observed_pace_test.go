package engine_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// However many returns strangers make up, a payment that its shop announced is asked about
// before them, and they are asked about when nothing announced waits.
func TestAnnouncedBeforeMadeUp(t *testing.T) {
	for _, flood := range []int{0, 1, 40, 1000} {
		t.Run(fmt.Sprint(flood), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t)
				defer w.halt()
				w.verifiesBeside()
				const genuine = 3
				for i := range genuine {
					id := fmt.Sprint("G", i)
					if _, err := w.Announce(t.Context(), engine.Announcement{Site: "shop", Provider: "zarinpal", ID: id, Order: id, Amount: 50000}); err != nil {
						t.Fatal(err)
					}
				}
				w.gate.says(nil)
				for i := range flood {
					w.saw(func(s *engine.Seen) {
						s.Claimed.ID, s.Client = fmt.Sprint("X", i), fmt.Sprintf("10.0.%d.%d", i/250, i%250)
					})
					time.Sleep(4 * time.Millisecond)
				}
				time.Sleep(time.Minute)
				for i := range genuine {
					w.saw(func(s *engine.Seen) { s.Claimed.ID = fmt.Sprint("G", i) })
				}
				time.Sleep(30 * time.Second)
				for i := range genuine {
					page, err := w.store.List(t.Context(), payment.Listing{ID: fmt.Sprint("G", i)})
					if err != nil || len(page.Records) != 1 || page.Records[0].State != payment.Delivered {
						t.Errorf("half a minute after its return G%d is %+v, %v", i, page.Records[0].State, err)
					}
				}
				_, before := w.gate.became()
				time.Sleep(time.Minute)
				if _, after := w.gate.became(); flood == 1000 && after-before < 20 {
					t.Errorf("strangers got %d questions in a minute in which nobody else waits", after-before)
				}
			})
		})
	}
}

// Of what only a return names, clients take turns: one that brings hundreds keeps nobody else's
// waiting, and what is dropped for want of room is counted, and told at most once a minute.
func TestClientsTakeTurnsInThePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.verifiesBeside()
		const greedy = 300
		for i := range greedy {
			w.saw(func(s *engine.Seen) { s.Claimed.ID, s.Client = fmt.Sprint("X", i), "10.0.0.1" })
		}
		waiting, _, dropped, _ := w.Watching("zarinpal")
		if waiting == 0 || int64(waiting)+dropped != greedy {
			t.Errorf("%d wait, %d were dropped", waiting, dropped)
		}
		if n := w.events.alerts(engine.EventUnwatched); n != 1 {
			t.Errorf("told %d times", n)
		}
		w.saw(func(s *engine.Seen) { s.Claimed.ID = "G" })
		time.Sleep(15 * time.Second)
		page, err := w.store.List(t.Context(), payment.Listing{ID: "G"})
		if err != nil || len(page.Records) != 1 || page.Records[0].State != payment.Delivered {
			t.Errorf("%+v, %v", page.Records, err)
		}
		time.Sleep(2 * time.Minute)
		if left, _, _, _ := w.Watching("zarinpal"); left != 0 {
			t.Errorf("%d still wait", left)
		}
		if _, inquired := w.gate.became(); inquired != waiting+1 {
			t.Errorf("%d questions about %d payments", inquired, waiting+1)
		}
	})
}

// However many returns strangers make up, from however many addresses, a payment to which the shop's
// own redirect has led a visit is asked about within moments. Those that strangers had the shop lead to
// in the same way leave every second question to the others, and put off nothing that is announced.
func TestWhatARedirectHasLedIsAskedSoon(t *testing.T) {
	for _, flood := range []int{0, 1, 40, 1000} {
		for _, led := range []bool{false, true} {
			t.Run(fmt.Sprint(flood, led), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newRelayWorld(t)
					defer w.halt()
					note := func(id string) {
						if err := w.Note(t.Context(), "zarinpal|x|live", id, payment.Track{Affiliate: "hamekar", ID: "visit-" + id}); err != nil {
							t.Fatal(err)
						}
					}
					w.verifiesBeside()
					w.gate.says(nil)
					if _, err := w.Announce(t.Context(), engine.Announcement{Site: "shop", Provider: "zarinpal", ID: "A", Order: "A", Amount: 50000}); err != nil {
						t.Fatal(err)
					}
					for i := range flood {
						id := fmt.Sprint("X", i)
						if led {
							note(id)
						}
						w.saw(func(s *engine.Seen) { s.Claimed.ID, s.Client = id, fmt.Sprintf("10.0.%d.%d", i/250, i%250) })
					}
					id := "G"
					if !led {
						note(id) // the flood is made up, and it is led
					}
					w.saw(func(s *engine.Seen) { s.Claimed.ID = id })
					w.saw(func(s *engine.Seen) { s.Claimed.ID = "A" })
					time.Sleep(20 * time.Second)
					for _, id := range []string{id, "A"} {
						page, err := w.store.List(t.Context(), payment.Listing{ID: id})
						if soon := id == "A" || !led || flood < 2; err != nil || len(page.Records) != 1 || soon && page.Records[0].State != payment.Delivered {
							t.Errorf("20 s after its return %s is %+v, %v", id, page.Records, err)
						}
					}
					if !led {
						return
					}
					time.Sleep(time.Duration(flood) * time.Second)
					page, err := w.store.List(t.Context(), payment.Listing{ID: id})
					if err != nil || len(page.Records) != 1 || page.Records[0].State != payment.Delivered {
						t.Errorf("in the end %s is %+v, %v", id, page.Records, err)
					}
				})
			})
		}
	}
}
