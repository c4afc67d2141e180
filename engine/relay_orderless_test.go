package engine_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// announced is a shop's announcement of the payment K1 beside its relay.
func announcedOf(order string, amount payment.Rials) engine.Announcement {
	return engine.Announcement{Site: "shop", Route: "/cb zarinpal", Provider: "zarinpal", ID: "K1", Order: order, Amount: amount, Many: true}
}

// A create that names no order leaves the order open: the first announcement names it, and
// every later one is compared with that.
func TestAnAnnouncementNamesTheOrderOfARelayedCreate(t *testing.T) {
	for name, c := range map[string]struct {
		created   string // the order of the create
		first     engine.Announcement
		refused   bool // the first
		wantOrder string
	}{
		"no order":                 {"", announcedOf("101", 50000), false, "101"},
		"no order, its id":         {"", announcedOf("K1", 50000), false, "K1"},
		"no order, another amount": {"", announcedOf("101", 50001), true, "K1"},
		"its order":                {"101", announcedOf("101", 50000), false, "101"},
		"another order":            {"102", announcedOf("101", 50000), true, "102"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t)
				defer w.halt()
				w.call("create", "", func(r *engine.Relay) { r.Ask.Order = c.created })
				rec, err := w.Announce(t.Context(), c.first)
				if errors.Is(err, engine.ErrForeign) != c.refused || !c.refused && (err != nil || rec.Order != c.wantOrder) {
					t.Fatalf("the first is answered %+v, %v", rec, err)
				}
				if !c.refused && c.wantOrder != "K1" {
					if rec, err = w.Announce(t.Context(), c.first); err != nil || rec.Order != c.wantOrder {
						t.Errorf("the same once more is answered %+v, %v", rec, err)
					}
					if _, err := w.Announce(t.Context(), announcedOf("103", 50000)); !errors.Is(err, engine.ErrForeign) {
						t.Errorf("a second order is answered %v", err)
					}
				}
				if h := w.call("verify", "K1"); !isFirst(h) {
					t.Fatalf("%+v", h)
				}
				ref, err := w.store.Holder(t.Context(), payment.IntentKey("zarinpal|x|live", "K1"))
				if err != nil {
					t.Fatal(err)
				}
				if rec := w.wantState(ref, payment.Delivered); rec.Order != c.wantOrder || rec.CreatedOrder() != c.created {
					t.Errorf("order %q, the gateway's %q", rec.Order, rec.CreatedOrder())
				}
			})
		})
	}
}

// An announcement that comes when the payment is settled names its order, too, unless the
// order may be paid once and another payment has paid it.
func TestAnAnnouncementOfASettledPayment(t *testing.T) {
	for _, many := range []bool{true, false} {
		for _, taken := range []bool{true, false} {
			t.Run(fmt.Sprint(many, taken), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newRelayWorld(t)
					defer w.halt()
					w.call("create", "")
					if h := w.call("verify", "K1"); !isFirst(h) {
						t.Fatalf("%+v", h)
					}
					key := payment.OrderKey("shop", "live", "101")
					if taken {
						other := &payment.Record{Ref: payment.NewRef("shop", "zarinpal|x|live", "K2", "101"), Site: "shop", Provider: "zarinpal",
							Issuer: "zarinpal|x|live", Environment: "live", ID: "K2", Order: "101", State: payment.Delivered}
						if err := w.store.Commit(t.Context(), payment.Change{Record: other, Take: []payment.Key{key}}); err != nil {
							t.Fatal(err)
						}
					}
					a := announcedOf("101", 50000)
					a.Many = many
					rec, err := w.Announce(t.Context(), a)
					refused := taken && !many
					if errors.Is(err, engine.ErrForeign) != refused || !refused && (err != nil || rec.Order != "101") {
						t.Fatalf("%+v, %v", rec, err)
					}
					holder, err := w.store.Holder(t.Context(), key)
					if holds := err == nil && rec != nil && holder == rec.Ref; holds != (!many && !taken) {
						t.Errorf("the order's key is with %q, %v", holder, err)
					}
				})
			})
		}
	}
}

// Orders that may be paid once: an order that becomes known by an announcement or by the
// gateway's answer takes its key, and an id in its place takes none.
func TestTheKeyOfAnOrderThatIsNamedLater(t *testing.T) {
	for name, c := range map[string]struct {
		announced, answered string
		want                string
	}{
		"announced":           {"101", "", "101"},
		"answered":            {"", "101", "101"},
		"announced, answered": {"101", "101", "101"},
		"never named":         {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t, func(w *relayWorld) { w.sites.policy = engine.Policy{Once: true} })
				defer w.halt()
				w.call("create", "")
				if c.announced != "" {
					a := announcedOf(c.announced, 50000)
					a.Many = false
					if _, err := w.Announce(t.Context(), a); err != nil {
						t.Fatal(err)
					}
				}
				w.gate.order = c.answered
				if h := w.call("verify", "K1", func(r *engine.Relay) { r.Policy.Many = false }); !isFirst(h) {
					t.Fatalf("%+v", h)
				}
				rec := w.wantState(w.only().Ref, payment.Delivered)
				for _, order := range []string{"101", "K1"} {
					holder, err := w.store.Holder(t.Context(), payment.OrderKey("shop", "live", order))
					if has := err == nil && holder == rec.Ref; has != (order == c.want) {
						t.Errorf("the key of %s: %v", order, has)
					}
				}
				if c.want != "" && rec.Order != c.want {
					t.Errorf("its order is %q", rec.Order)
				}
			})
		})
	}
}

// A payment whose create went past the relay: the shop hears "first", and our books follow,
// whether the gateway's answer names an order or not, and whether the call names the amount.
func TestRelayOfACreateThatWasNotSeen(t *testing.T) {
	for name, c := range map[string]struct {
		number   int64 // that the call names
		asked    string
		order    string // in the answer
		answered payment.Rials
		want     payment.State
		reason   payment.Reason
		named    string
	}{
		"nothing but the amount":              {0, "", "", 50000, payment.Delivered, "", "K1"},
		"an order":                            {0, "", "101", 50000, payment.Delivered, "", "101"},
		"an order that is no order":           {0, "", "1\n1", 50000, payment.Delivered, "", "K1"},
		"neither":                             {0, "", "", 0, payment.Review, payment.ReasonUnboundReceipt, "K1"},
		"an order, and the call's amount":     {50000, "", "101", 50000, payment.Delivered, "", "101"},
		"the call's order":                    {50000, "101", "101", 50000, payment.Delivered, "", "101"},
		"another order than the call's":       {50000, "101", "102", 50000, payment.Review, payment.ReasonOrderDiffers, "101"},
		"another amount than the call's":      {50000, "", "101", 50001, payment.Review, payment.ReasonAmount, "K1"},
		"another order, and no call's amount": {0, "101", "102", 50000, payment.Review, payment.ReasonOrderDiffers, "101"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRelayWorld(t, func(w *relayWorld) {
					w.bank.traits.Protocol = payment.Protocol{TellsFirst: true, AnswersAmount: true}
				})
				defer w.halt()
				w.gate.order, w.gate.amount = c.order, c.answered
				if h := w.call("verify", "K1", func(r *engine.Relay) { r.Ask.Number, r.Ask.Unit, r.Ask.Order = c.number, payment.Rial, c.asked }); !isFirst(h) {
					t.Fatalf("%+v", h)
				}
				rec := w.wantState(w.only().Ref, c.want)
				if rec.Reason != c.reason || rec.Order != c.named || c.want == payment.Delivered && rec.Price() != 50000 {
					t.Errorf("%s: order %q, price %d", rec.Reason, rec.Order, rec.Price())
				}
			})
		})
	}
}
