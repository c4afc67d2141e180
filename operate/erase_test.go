package operate_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/operate/operatetest"
	"github.com/rahgir/caddy-payments/payment"
)

// What a timer does every night: whatever finished payments know of their payers, the second
// run finds nothing to do, no receipt, number or order pays again, nothing is reported again,
// and what books need stays. What still waits is left alone.
func TestErasedPaymentsStayUnique(t *testing.T) {
	l := operatetest.New(t)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		state := rapid.SampledFrom([]payment.State{payment.Delivered, payment.Declined, payment.Expired, payment.Reversed, payment.Parked, payment.Review, payment.Unknown}).Draw(rt, "state")
		has := func(what string) bool { return rapid.Bool().Draw(rt, what) }
		n++
		put := l.Put(state, "", func(r *payment.Record) {
			r.ID, r.Order = fmt.Sprint("erased-", n), fmt.Sprint("order-", n)
			if r.Receipt != nil {
				r.Receipt.ID, r.Receipt.Order, r.Receipt.Number = r.ID, r.Order, fmt.Sprint(n)
			}
			if has("a buyer") {
				r.Buyer = payment.Buyer{Name: "Sara", Mobile: "09121234567", Email: "s@example.com"}
			}
			if has("a visit") {
				r.Track = payment.Track{ID: "064ee72930404724974761b0b41e9e49", Affiliate: "hamekar", Landing: "/p", At: r.CreatedAt}
				r.Reports = []payment.Report{{To: "hamekar", Kind: payment.ReportSale, State: payment.SentReport, Since: r.CreatedAt, SentAt: r.CreatedAt}}
			}
			if has("devices") {
				r.Devices = []payment.Device{{Hash: "device", At: r.CreatedAt}}
			}
			if has("no return") {
				r.Return = nil
			}
		})
		put = l.Get(put.Ref)
		night := func() operate.Erasures {
			out, err := operate.Erase(t.Context(), l.Eng, operate.Erasing{Before: time.Now().Add(time.Hour), By: "timer", Note: "retention"})
			if err != nil {
				rt.Fatal(err)
			}
			return out
		}
		night()
		r := l.Get(put.Ref)
		if second := night(); second.Erased != 0 {
			rt.Fatalf("the second run erased %d payments", second.Erased)
		}
		if again := l.Get(put.Ref); again.Version != r.Version {
			rt.Fatal("the second run wrote")
		}
		if put.Erasable() != r.Erased() && !put.Erased() {
			rt.Fatalf("%s: erased %t", state, r.Erased())
		}
		if r.State != put.State || r.Order != put.Order || r.ID != put.ID || !reflect.DeepEqual(r.Reports, put.Reports) || r.Price() != put.Price() {
			rt.Fatalf("it is another payment: %+v", r)
		}
		if !state.Captured() {
			return
		}
		for _, k := range put.Keys(false) {
			thief := &payment.Record{Ref: payment.NewRef("thief", "", "", fmt.Sprint(n, k)), Site: "other.example", Issuer: put.Issuer, ID: "other", State: payment.Verified, CreatedAt: put.CreatedAt}
			var taken *payment.TakenError
			if err := l.Store.Commit(t.Context(), payment.Change{Record: thief, Take: []payment.Key{k}}); !errors.As(err, &taken) || taken.Holder != put.Ref {
				rt.Fatalf("its %s pays again: %v", k.Kind, err)
			}
		}
	})
}
