package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// What is kept of a return before anybody has paid is small, whatever a stranger
// sends; once it is paid the request that brought it is kept whole.
func TestAnUnpaidReturnIsKeptLean(t *testing.T) {
	t.Parallel()
	for _, bytes := range []int{100, 4<<10 - 100, 4<<10 + 1, 64 << 10} {
		for name, outcome := range map[string]payment.Outcome{"paid": payment.OutcomePaid, "no answer": payment.OutcomeUnknown, "not paid": payment.OutcomeRefused} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(w *world) {
					w.bank.script = []payment.Answer{{Outcome: outcome}}
					if outcome == payment.OutcomePaid {
						w.bank.echo = true
					}
				})
				w.halt()
				for _, lean := range []bool{false, true} {
					id := "K" + strings.Repeat("x", 8) + map[bool]string{true: "1", false: "2"}[lean]
					a := w.stranger(id, id)
					a.Return.Method, a.Return.Body = "POST", []byte(strings.Repeat("b", bytes))
					small := payment.Return{Method: "POST", Host: "shop", URI: "/callback?wc-api=x", Body: []byte("id=" + id)}
					if lean {
						a.Lean = &small
					}
					res := w.Admit(t.Context(), a)
					if res.Record == nil {
						t.Fatalf("%s, %d bytes: %+v", name, bytes, res)
					}
					ret := w.record(res.Record.Ref).Return
					whole := bytes < 4<<10 || outcome == payment.OutcomePaid
					switch {
					case ret == nil:
						t.Fatalf("%s, %d bytes: nothing is kept", name, bytes)
					case whole && len(ret.Body) != bytes:
						t.Errorf("%s, %d bytes: %d are kept", name, bytes, len(ret.Body))
					case !whole && lean && string(ret.Body) != "id="+id:
						t.Errorf("%s, %d bytes: kept is %q", name, bytes, ret.Body)
					case !whole && !lean && (ret.URI != "" || len(ret.Body) > 0 || ret.Arrived.IsZero()):
						t.Errorf("%s, %d bytes: kept is %+v", name, bytes, ret)
					}
				}
			})
		}
	}
}

// An oversized return of a payment whose address is known takes nothing from it.
func TestAnOversizedReturnKeepsTheKnownAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.bank.script = []payment.Answer{{}, paid(payment.OutcomePaid)} })
		defer w.halt()
		rec := w.announce()
		a := w.ask()
		a.Return.Body = make([]byte, 60<<10)
		w.Admit(t.Context(), a)
		if ret := w.record(rec.Ref).Return; ret.URI != "/callback" || ret.Arrived.IsZero() || len(ret.Body) > 0 {
			t.Errorf("%+v", ret)
		}
		time.Sleep(2 * time.Minute)
		w.wantState(rec.Ref, payment.Delivered)
	})
}

// An invention's return is dropped with the "no".
func TestAnInventionsReturnIsDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) {
			w.bank.script = []payment.Answer{{Outcome: payment.OutcomeRefused, Reason: payment.ReasonUnknownID}}
		})
		defer w.halt()
		res := w.Admit(t.Context(), w.stranger("X1", "1"))
		if r := w.record(res.Record.Ref); res.Kind != engine.Declined || r.Return != nil {
			t.Errorf("%s, %+v", res.Kind, r.Return)
		}
	})
}
