package admin

import (
	"errors"
	"testing"

	"github.com/rahgir/caddy-payments/operate/operatetest"
	"github.com/rahgir/caddy-payments/payment"
)

// What a finished payment knows of its payer goes, what books and uniqueness need stays,
// and the history says who and why; what is still open is left alone.
func TestErase(t *testing.T) {
	l := operatetest.New(t)
	person := func(r *payment.Record) {
		r.Buyer = payment.Buyer{Name: "Sara", Mobile: "09121234567"}
		r.Track = payment.Track{ID: "visit-of-sara", Affiliate: "hamekar"}
		r.Delivery = payment.Delivery{Count: 1, Browser: "cookie", Location: "/order?key=sara"}
		r.Devices = []payment.Device{{Hash: "device", At: r.CreatedAt}}
		r.Return.By = &payment.Visitor{Peer: "198.51.100.7:1", Agent: "Firefox"}
		r.Relay = &payment.Relayed{Callback: "https://shop.example/back?phone=0912", HeardAt: r.CreatedAt}
	}
	done := l.Put(payment.Delivered, "", person)
	open := l.Put(payment.Parked, payment.ReasonNoProof, person)
	addr := serve(t, l)
	run(t, addr, true, "", "erase", string(done.Ref)).has(t, exitUsage, "note")
	run(t, addr, true, "", "erase", "--note", "asked").has(t, exitUsage, "name payments")
	run(t, addr, true, "", "erase", string(done.Ref), "--before", "1d", "--note", "asked").has(t, exitUsage, "one of them")
	run(t, addr, true, "", "erase", string(done.Ref), "--note", "asked", "-n").has(t, 0, "1 payments: would be erased")
	if r := l.Get(done.Ref); r.Version != done.Version {
		t.Error("a dry run changed it")
	}
	run(t, addr, true, "", "erase", string(done.Ref), string(open.Ref), "--note", "she asked", "--by", "reza").has(t, 0, "1 payments: erased", "1 still wait", string(open.Ref))
	r := l.Get(done.Ref)
	if !r.Erased() || r.Receipt.Card != "" || r.Return != nil || r.Track.ID != "" || r.Delivery.Browser+r.Delivery.Location != "" || len(r.Devices) != 0 || r.Relay.Callback != "https://shop.example/back" {
		t.Errorf("left: %+v", r)
	}
	last := r.History[len(r.History)-1]
	if last.Kind != payment.EntryErased || last.By != "reza" || last.Text != "she asked" {
		t.Errorf("%+v", last)
	}
	if r.Order != done.Order || r.ID != done.ID || r.Receipt.Number != done.Receipt.Number || r.Receipt.Amount != done.Receipt.Amount || r.State != payment.Delivered {
		t.Errorf("lost: %+v", r)
	}
	for _, k := range done.Keys(false) {
		if h, err := l.Store.Holder(t.Context(), k); err != nil || h != done.Ref {
			t.Errorf("%s: %v %v", k.Kind, h, err)
		}
	}
	again := payment.Record{Ref: payment.NewRef("x", "y", "z", "1"), Issuer: done.Issuer, ID: done.ID, Site: "x", State: payment.Verified, CreatedAt: done.CreatedAt}
	var taken *payment.TakenError
	if err := l.Store.Commit(t.Context(), payment.Change{Record: &again, Take: []payment.Key{payment.ReceiptKey(done.Issuer, done.ID)}}); !errors.As(err, &taken) {
		t.Errorf("its receipt can be used again: %v", err)
	}
	if r.Buyer != (payment.Buyer{}) {
		t.Errorf("the buyer is left: %+v", r)
	}
	other := l.Put(payment.Delivered, "", person)
	run(t, addr, true, "", "erase", "--mobile", "0912", "--note", "asked").has(t, exitUsage, "mobile")
	run(t, addr, true, "", "erase", "--mobile", "۰۹۱۲۱۲۳۴۵۶۷", "--note", "asked").has(t, 0, "1 payments: erased", "1 still wait")
	if r := l.Get(other.Ref); !r.Erased() {
		t.Error("the payment of that number was not erased")
	}
	run(t, addr, true, "", "erase", "--before", "today", "--note", "old").has(t, 0)
	run(t, addr, false, "", "erase", string(done.Ref), "--note", "old").has(t, 0, `"already": 1`)
	run(t, addr, true, "", "show", string(done.Ref)).has(t, 0, "she asked")
}
