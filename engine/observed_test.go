package engine_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// returned is a customer's return to a shop that verifies beside us.
func returned(change ...func(*engine.Seen)) engine.Seen {
	s := engine.Seen{
		Site: "shop", Route: "/cb zarinpal", Provider: "zarinpal", Claimed: payment.Claimed{ID: "K1", Hint: payment.HintPaid},
		Page: payment.PageGood, Asks: true, Client: "192.0.2.7",
	}
	for _, f := range change {
		f(&s)
	}
	return s
}

func (w *relayWorld) saw(change ...func(*engine.Seen)) {
	w.t.Helper()
	if err := w.Saw(context.Background(), returned(change...)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *relayWorld) verifiesBeside() {
	w.gate.mu.Lock()
	defer w.gate.mu.Unlock()
	w.gate.settled = true
}

// What the shop has verified beside us is delivered, and its sale is reported unless its
// own answer was a refusal; nothing is ever verified by us.
func TestObserved(t *testing.T) {
	track := &payment.Track{ID: "visit-1", Affiliate: "hamekar"}
	paidBy := func(s *engine.Seen) { s.Asks, s.Paid, s.Order, s.Amount, s.Track = false, true, "101", 50000, track }
	for _, c := range []struct {
		name     string
		do       func(w *relayWorld)
		state    payment.State
		reported bool
		asks     int
	}{
		{"by its answer", func(w *relayWorld) { w.verifiesBeside(); w.saw(paidBy) }, payment.Delivered, true, 1},
		{"by its answer, twice", func(w *relayWorld) { w.verifiesBeside(); w.saw(paidBy); w.saw(paidBy) }, payment.Delivered, true, 1},
		{"by its answer, without an amount", func(w *relayWorld) {
			w.verifiesBeside()
			w.saw(paidBy, func(s *engine.Seen) { s.Order, s.Amount = "", 0 })
		}, payment.Delivered, false, 1},
		{"by its answer, and the bank knows of no money", func(w *relayWorld) {
			w.gate.mu.Lock()
			w.gate.paid = false
			w.gate.mu.Unlock()
			w.saw(paidBy)
		}, payment.Expired, false, 1},
		{"by inquiry", func(w *relayWorld) {
			w.verifiesBeside()
			w.saw(func(s *engine.Seen) { s.Order, s.Amount, s.Track = "101", 50000, track })
		}, payment.Delivered, true, 1},
		{"by inquiry, and the shop refused", func(w *relayWorld) {
			w.verifiesBeside()
			w.saw(func(s *engine.Seen) { s.Amount, s.Track, s.Page = 50000, track, payment.PageRefused })
		}, payment.Delivered, false, 1},
		{"by inquiry, and the shop refused who came again", func(w *relayWorld) {
			w.verifiesBeside()
			w.saw(func(s *engine.Seen) { s.Amount, s.Track, s.Page = 50000, track, payment.PageGood })
			w.saw(func(s *engine.Seen) { s.Page = payment.PageRefused })
		}, payment.Delivered, true, 1},
		{"by inquiry, and the shop took who came again", func(w *relayWorld) {
			w.verifiesBeside()
			w.saw(func(s *engine.Seen) { s.Amount, s.Track, s.Page = 50000, track, payment.PageRefused })
			w.saw(func(s *engine.Seen) { s.Page = payment.PageGood })
		}, payment.Delivered, true, 1},
		{"announced", func(w *relayWorld) {
			if _, err := w.Announce(context.Background(), engine.Announcement{Site: "shop", Provider: "zarinpal", ID: "K1", Order: "101", Amount: 50000, Track: track, Observed: true}); err != nil {
				w.t.Fatal(err)
			}
			w.verifiesBeside()
			w.saw()
		}, payment.Delivered, true, 1},
		{"never paid", func(w *relayWorld) {
			w.gate.mu.Lock()
			w.gate.paid = false
			w.gate.mu.Unlock()
			w.saw()
		}, payment.Expired, false, 1},
		{"paid, and never verified", func(w *relayWorld) { w.saw() }, payment.Created, false, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t)
				defer w.halt()
				c.do(w)
				time.Sleep(2*time.Hour + time.Minute)
				r := w.only()
				if r.State != c.state {
					t.Fatalf("it is %s (%s)", r.State, r.Reason)
				}
				if c.state == payment.Delivered && r.Delivery.Via != payment.ViaObserved {
					t.Error("via", r.Delivery.Via)
				}
				if got := r.ConversionState() == payment.SentReport; got != c.reported {
					t.Errorf("reported: %v (%+v)", got, r.Reports)
				}
				if w.gate.calls != 0 {
					t.Error("something was verified")
				}
				if _, n := w.gate.became(); n < c.asks || n > 4 || c.asks == 0 && n > 0 {
					t.Errorf("%d questions", n)
				}
				if c.name == "paid, and never verified" && w.events.alerts(engine.EventUnclaimed) != 1 {
					t.Error("nobody heard of it, or too often")
				}
			})
		})
	}
}

// What was paid and is never verified is asked about once more when its pay link ends, and never
// again, whatever its provider says then.
func TestWhatIsNeverVerifiedComesToAnEnd(t *testing.T) {
	for name, then := range map[string]func(*relayWorld){
		"it still waits": func(*relayWorld) {},
		"nobody paid it": func(w *relayWorld) {
			w.gate.mu.Lock()
			defer w.gate.mu.Unlock()
			w.gate.paid = false
		},
		"it can't be asked any more": func(w *relayWorld) {
			w.halt()
			w.mute = true
			w.run(w.store)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t, func(w *relayWorld) { w.tick = 10 * time.Minute })
				defer w.halt()
				w.saw()
				time.Sleep(29 * 24 * time.Hour)
				_, before := w.gate.became()
				then(w)
				time.Sleep(40 * 24 * time.Hour)
				if _, n := w.gate.became(); n > before+2 {
					t.Errorf("%d questions in the first 29 days, %d afterwards", before, n-before)
				}
				if r := w.only(); r.State != payment.Created || r.Reason != payment.ReasonUnclaimed || !r.Earliest().IsZero() {
					t.Errorf("it is %s (%s), due %s", r.State, r.Reason, r.Earliest())
				}
				if n := w.events.alerts(engine.EventUnclaimed); n != 1 {
					t.Errorf("%d alerts", n)
				}
			})
		})
	}
}

// A provider that can't be asked: the shop's "paid" speaks of an order, and whoever has paid
// one may bring its page the ids of payments that nobody paid. Of those none is reported.
func TestWhatAShopSaysIsPaidSellsOneAnnouncedPayment(t *testing.T) {
	track := &payment.Track{ID: "visit-1", Affiliate: "hamekar"}
	announce := func(w *relayWorld, id, order string) {
		w.t.Helper()
		if _, err := w.Announce(context.Background(), engine.Announcement{Site: "shop", Provider: "zarinpal", ID: id, Order: order, Amount: 50000, Track: track, Observed: true}); err != nil {
			w.t.Fatal(err)
		}
	}
	says := func(w *relayWorld, id, order string) {
		w.t.Helper()
		w.saw(func(s *engine.Seen) {
			s.Asks, s.Paid, s.Order, s.Track, s.Claimed.ID = false, true, order, track, id
			if order != "" {
				s.Amount = 50000
			}
		})
	}
	for _, c := range []struct {
		name   string
		do     func(w *relayWorld)
		sold   int
		alerts int
		event  string
	}{
		{"announced", func(w *relayWorld) { announce(w, "K1", "101"); says(w, "K1", "101") }, 1, 0, ""},
		{"announced, and the answer names no order", func(w *relayWorld) { announce(w, "K1", "101"); says(w, "K1", "") }, 1, 0, ""},
		{"twice the same", func(w *relayWorld) { announce(w, "K1", "101"); says(w, "K1", "101"); says(w, "K1", "101") }, 1, 0, ""},
		{"two orders", func(w *relayWorld) {
			announce(w, "K1", "101")
			announce(w, "K2", "102")
			says(w, "K1", "101")
			says(w, "K2", "102")
		}, 2, 0, ""},
		{"an unpaid one at the paid order's page", func(w *relayWorld) {
			announce(w, "K1", "101")
			announce(w, "K2", "102")
			says(w, "K1", "101")
			says(w, "K2", "101")
		}, 1, 0, engine.EventForeign},
		{"an unpaid one of the same order", func(w *relayWorld) {
			announce(w, "K1", "101")
			announce(w, "K2", "101")
			says(w, "K1", "101")
			says(w, "K2", "101")
		}, 1, 1, engine.EventUnpriced},
		{"nothing announced", func(w *relayWorld) { says(w, "K1", "101") }, 0, 1, engine.EventUnpriced},
		{"an unannounced one, brought twice", func(w *relayWorld) {
			w.saw(func(s *engine.Seen) { s.Order, s.Amount, s.Track = "101", 50000, track })
			says(w, "K1", "101")
		}, 0, 1, engine.EventUnpriced},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t, func(w *relayWorld) { w.mute = true })
				defer w.halt()
				c.do(w)
				time.Sleep(time.Hour)
				if n := w.net.count(); n != c.sold {
					t.Errorf("%d sales are reported, want %d", n, c.sold)
				}
				if c.event != "" && (w.events.alerts(c.event) != c.alerts || w.events.count(c.event) != 1) {
					t.Errorf("%s: %d alerts", c.event, w.events.alerts(c.event))
				}
			})
		})
	}
}

// A return that says "unpaid", or that nobody could ask about, is written nowhere; one
// client's inventions are bounded; and what a relay or a verify route knows is left to it.
func TestObservedWritesLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t, func(w *relayWorld) { w.gate.paid = false })
		defer w.halt()
		w.saw(func(s *engine.Seen) { s.Claimed.Hint = payment.HintUnpaid })
		w.saw(func(s *engine.Seen) { s.Asks = false })
		for n := range 200 {
			w.saw(func(s *engine.Seen) { s.Claimed.ID = "X" + strconv.Itoa(n) })
		}
		page, err := w.store.List(t.Context(), payment.Listing{Limit: 1000})
		if err != nil || len(page.Records) == 0 || len(page.Records) > 32 {
			t.Errorf("%d records, %v", len(page.Records), err)
		}
		time.Sleep(26 * time.Hour)
		if page, err = w.store.List(t.Context(), payment.Listing{Limit: 1000}); err != nil || len(page.Records) != 0 {
			t.Errorf("%d records are kept, %v", len(page.Records), err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.call("create", "")
		w.saw(func(s *engine.Seen) { s.Asks, s.Paid = false, true })
		if r := w.only(); r.State != payment.Created || r.Observed != nil {
			t.Errorf("what the relay knows is %s", r.State)
		}
		w.call("verify", "K1")
		if r := w.only(); r.State != payment.Delivered || r.Delivery.Via != payment.ViaRelay {
			t.Errorf("%s via %s", r.State, r.Delivery.Via)
		}
	})
}

// Observing asks one question a second, further ones for one return in twenty, and none
// for an hour after a "too many".
func TestObservingIsSparing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t, func(w *relayWorld) { w.gate.paid = false })
		defer w.halt()
		for n := range 30 {
			w.saw(func(s *engine.Seen) { s.Claimed.ID, s.Client = fmt.Sprint("X", n), fmt.Sprint("192.0.2.", n) })
		}
		time.Sleep(watchLookAfter + 3*time.Second)
		if _, n := w.gate.became(); n < 1 || n > 5 {
			t.Errorf("%d questions in three seconds", n)
		}
		time.Sleep(2 * time.Minute)
		_, first := w.gate.became()
		if first != 30 {
			t.Errorf("%d first questions about 30 payments", first)
		}
		time.Sleep(30 * time.Hour)
		if _, n := w.gate.became(); n-first > 1 {
			t.Errorf("%d further questions", n-first)
		}
		w.gate.mu.Lock()
		w.gate.busy = true
		w.gate.mu.Unlock()
		_, before := w.gate.became()
		for n := range 5 {
			w.saw(func(s *engine.Seen) { s.Claimed.ID = fmt.Sprint("Y", n) })
		}
		time.Sleep(50 * time.Minute)
		if _, n := w.gate.became(); n-before != 1 {
			t.Errorf("%d questions after a \"too many\"", n-before)
		}
		time.Sleep(15 * time.Minute)
		if _, n := w.gate.became(); n-before < 2 {
			t.Error("it never asks again")
		}
	})
}

// watchLookAfter is how long after the shop's answer the provider is asked.
const watchLookAfter = 10 * time.Second

// listedShop is a shop whose provider's list names callbacks.
type listedShop struct {
	*plugins
	back  engine.Back
	known bool

	mu      sync.Mutex
	brought []string
	refuses func()
}

func (s *listedShop) Back(_ context.Context, _, callback string) (engine.Back, bool) {
	return s.back, s.known && callback == "https://shop.test/cb?o=101"
}

func (s *listedShop) Bring(_ context.Context, provider, id string, _ engine.Back) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.brought = append(s.brought, provider+" "+id)
	if s.refuses != nil {
		s.refuses()
	}
}

// listingGate is a gate that lists.
type listingGate struct {
	*relayBank
	list func() []payment.Pending
}

func (g *listingGate) Unverified(context.Context) ([]payment.Pending, error) { return g.list(), nil }

// What a provider lists and nobody knows here, as after a lost ledger, is brought back
// where its callback leads to one of our sites: the shop's own return is made, or a verify
// route gets it. Others' payments are left alone.
func TestListedAndUnknown(t *testing.T) {
	ret := &payment.Return{Method: "GET", Host: "shop.test", URI: "/cb?o=101"}
	for _, c := range []struct {
		name    string
		back    engine.Back
		known   bool
		asks    bool // its plugin asks in the replay, through the relay
		beside  bool // it verifies in the replay, beside us
		state   payment.State
		visits  int
		brought int
		alert   string
	}{
		{"another's", engine.Back{}, false, false, false, "", 0, 0, ""},
		{"relayed", engine.Back{Site: "shop", Route: "/cb zarinpal", Return: ret, Observed: true, Relayed: true}, true, true, false, payment.Delivered, 1, 0, ""},
		{"observed", engine.Back{Site: "shop", Route: "/cb zarinpal", Return: ret, Observed: true}, true, false, true, payment.Delivered, 1, 0, ""},
		{"observed, and its plugin believes the browser", engine.Back{Site: "shop", Route: "/cb zarinpal", Return: ret, Observed: true}, true, false, false, payment.Created, 1, 0, engine.EventUnverifiedCredit},
		{"relayed, and its plugin believes the browser", engine.Back{Site: "shop", Route: "/cb zarinpal", Return: ret, Observed: true, Relayed: true}, true, false, false, payment.Created, 1, 0, engine.EventUnverifiedCredit},
		{"a verify route that explains nothing", engine.Back{Site: "shop", Route: "/cb zarinpal", Return: ret}, true, false, false, payment.Declined, 0, 1, engine.EventUnannounced},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var w *relayWorld
				shop := &listedShop{back: c.back, known: c.known}
				w = newRelayWorld(t, func(w *relayWorld) {
					w.sites.rescue = true
					shop.plugins = w.sites
					w.listing = &listingGate{w.gate, func() []payment.Pending {
						if settled, _ := w.gate.became(); settled {
							return nil
						}
						return []payment.Pending{{ID: "K1", Callback: "https://shop.test/cb?o=101"}}
					}}
					w.recovers = shop
				})
				defer w.halt()
				w.sites.visited(func(*payment.Record) engine.Replayed {
					switch {
					case c.asks:
						h := w.call("verify", "K1")
						return engine.Replayed{Taken: true, Page: map[bool]payment.ShopPage{true: payment.PageGood, false: payment.PageBad}[isFirst(h)]}
					case c.beside:
						w.verifiesBeside()
					}
					return engine.Replayed{Taken: true, Page: payment.PageGood}
				})
				time.Sleep(12 * time.Minute)
				if got := w.sites.seen(); got != c.visits {
					t.Errorf("%d returns were made", got)
				}
				shop.mu.Lock()
				defer shop.mu.Unlock()
				if len(shop.brought) != c.brought {
					t.Errorf("brought %v", shop.brought)
				}
				if c.state == "" {
					if page, err := w.store.List(t.Context(), payment.Listing{}); err != nil || len(page.Records) != 0 {
						t.Errorf("%d records, %v", len(page.Records), err)
					}
					return
				}
				r := w.only()
				if r.State != c.state {
					t.Errorf("it is %s (%s)", r.State, r.Reason)
				}
				if c.alert != "" && w.events.alerts(c.alert) != 1 {
					t.Errorf("%s was told %d times", c.alert, w.events.alerts(c.alert))
				}
			})
		})
	}
}

// A listed payment that its route could not explain is told of by its order, if the callback or what
// the route refused names one.
func TestAnUnexplainedPaymentIsToldWithItsOrder(t *testing.T) {
	t.Parallel()
	for named, order := range map[string]string{"": "", "101": "101"} {
		for _, refused := range []payment.Reason{"", payment.ReasonUnannounced, payment.ReasonUnknownOrder, payment.ReasonForeign, payment.ReasonCalledPaid} {
			synctest.Test(t, func(t *testing.T) {
				shop := &listedShop{back: engine.Back{Site: "shop", Route: "/cb zarinpal", Order: named, Return: &payment.Return{Method: "GET", Host: "shop.test", URI: "/cb?o=101"}}, known: true}
				w := newRelayWorld(t, func(w *relayWorld) {
					shop.plugins = w.sites
					w.listing = &listingGate{w.gate, func() []payment.Pending { return []payment.Pending{{ID: "K1", Callback: "https://shop.test/cb?o=101"}} }}
					w.recovers = shop
				})
				defer w.halt()
				want := order
				if refused != "" {
					want = "101"
					shop.mu.Lock()
					shop.refuses = func() {
						w.Refused(t.Context(), engine.Refusal{Site: "shop", Provider: "zarinpal", ID: "K1", Order: "101", Reason: refused})
					}
					shop.mu.Unlock()
				}
				time.Sleep(12 * time.Minute)
				if r := w.only(); r.Order != want || r.State != payment.Declined || refused != "" && r.Reason != refused {
					t.Errorf("%q, %s: on record as %s %s %q", named, refused, r.State, r.Reason, r.Order)
				}
				told := 0
				w.events.mu.Lock()
				defer w.events.mu.Unlock()
				for _, ev := range w.events.list {
					if ev.Name == engine.EventUnannounced && ev.Err != nil && strings.Contains(ev.Err.Error(), "lists it as paid") {
						if told++; ev.Order != want || ev.ID != "K1" || ev.Site != "shop" {
							t.Errorf("%q, %s: told of %+v", named, refused, ev)
						}
					}
				}
				if told != 1 {
					t.Errorf("%q, %s: told %d times", named, refused, told)
				}
			})
		}
	}
}

// That a route needs its customer's session survives a restart, and is forgotten when its
// owner writes `rescue on`.
func TestNeedsSessionSurvives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t, func(w *relayWorld) { w.sites.rescue = true })
		w.sites.visited(func(*payment.Record) engine.Replayed {
			return engine.Replayed{Taken: true, Page: payment.PageBad}
		})
		w.call("create", "")
		time.Sleep(10 * time.Minute)
		r := w.only()
		if !w.NeedsSession(r) {
			t.Fatal("it was not seen")
		}
		w.halt()
		w.run(w.store) // with another engine, which shares nothing
		defer w.halt()
		if !w.NeedsSession(r) {
			t.Error("a restart forgot it")
		}
		w.sites.mu.Lock()
		w.sites.written = true
		w.sites.mu.Unlock()
		if w.NeedsSession(r) {
			t.Error("`rescue on` says that the plugin is another now")
		}
	})
}

// When the process is told to stop no hand-over begins, and those that run end.
func TestQuiesce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRelayWorld(t)
		defer w.halt()
		w.call("create", "")
		w.call("verify", "K1", unheard)
		over := w.Page()
		done := make(chan error, 2)
		ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
		defer cancel()
		go func() { done <- w.Quiesce(ctx) }()
		time.Sleep(3 * time.Second)
		select {
		case err := <-done:
			t.Fatal("it did not wait", err)
		default:
		}
		// The page that runs asks through the relay, and hears it.
		if h := w.call("verify", "K1"); !isFirst(h) {
			t.Errorf("%+v", h)
		}
		over()
		if err := <-done; err != nil {
			t.Error(err)
		}
		_, err := w.Deliver(t.Context(), w.only(), engine.Delivery{Via: payment.ViaBrowser}, func(context.Context, *payment.Record) engine.Handed {
			t.Error("a hand-over began")
			return engine.Handed{}
		})
		if err == nil {
			t.Error("no error")
		}
		over = w.Page() // one that never ends
		defer over()
		short, cancel2 := context.WithTimeout(t.Context(), 8*time.Second)
		defer cancel2()
		start := time.Now()
		if err := w.Quiesce(short); err != nil && time.Since(start) > 9*time.Second {
			t.Error("it waits for ever:", err)
		}
	})
}
