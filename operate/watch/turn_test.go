package watch

import (
	"context"
	"errors"
	"testing"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// A provider that answers nothing, refuses the key or starts no payments is told once for
// each cause, and once that it is back; one accident is none.
func TestProviderTurns(t *testing.T) {
	w := New(nil)
	w.Keep([]string{"p"})
	note := func(name, outcome string, alert bool) {
		w.Note(engine.Event{Name: name, Provider: "p", Outcome: outcome, Err: errors.New("no answer"), Alert: alert})
	}
	asked := func(outcome string) func() { return func() { note(engine.EventAsked, outcome, false) } }
	created := func(outcome string) func() { return func() { note(engine.EventStarting, outcome, false) } }
	for i, step := range []struct {
		happens func()
		turned  bool
		down    bool
		cause   string
	}{
		{asked(engine.VerifyPaid), false, false, ""},
		{asked(engine.VerifyUnknown), false, false, ""},
		{asked(engine.VerifyUnknown), false, false, ""},
		{asked(engine.VerifyUnknown), true, true, CauseUnanswered},
		{asked(engine.VerifyUnknown), false, false, ""},
		{asked(engine.VerifyOperator), true, true, CauseRefused},
		{asked(engine.VerifyPaid), true, false, CauseRefused},
		{func() { note(engine.EventBreaker, "", true) }, true, true, CauseUnanswered},
		{asked(engine.VerifyRefused), true, false, CauseUnanswered},
		{created(engine.CreateUnreachable), false, false, ""},
		{created(engine.CreateUnreachable), false, false, ""},
		{created(engine.CreateRefused), true, true, CauseCreate},
		{func() { w.Keep([]string{"p"}) }, false, false, ""}, // a reload
		{created(engine.CreateOK), true, false, CauseCreate},
	} {
		changed := w.Changed()
		step.happens()
		got, turned := w.ProviderTurn("p")
		if turned != step.turned || got.Down != step.down || got.Cause != step.cause {
			t.Errorf("step %d: %+v, %v", i, got, turned)
		}
		select {
		case <-changed:
		default:
			if i != 12 {
				t.Errorf("step %d: nobody who waits for a change hears of it", i)
			}
		}
	}
	if _, turned := w.ProviderTurn("q"); turned {
		t.Error("an unknown provider turns")
	}
}

// A shop is down that has not taken two paid orders in a row, and back with the next that
// it takes; a ledger without room is told once, and once that it has some.
func TestShopAndLedgerTurn(t *testing.T) {
	w := New(nil)
	r := record(1, payment.Verified, payment.ReasonUnreachable)
	for i, step := range []struct {
		name         string
		down, turned bool
	}{{engine.EventDelivered, false, false}, {engine.EventMissed, false, false}, {engine.EventMissed, true, true}, {engine.EventMissed, true, false}, {engine.EventDelivered, false, true}, {engine.EventDelivered, false, false}} {
		w.Note(engine.Event{Name: step.name, Record: r})
		if down, turned := w.ShopTurn("shop"); turned != step.turned || turned && down != step.down {
			t.Errorf("step %d: %v %v", i, down, turned)
		}
	}
	store := &sized{memory.New(nil), 1 << 30}
	look := func(want bool) {
		t.Helper()
		w.Look(context.Background(), store, nil)
		if got, turned := w.LedgerTurn(); turned != want {
			t.Errorf("%+v %v", got, turned)
		}
	}
	look(false)
	store.Store.Break(payment.ErrFull)
	look(true)
	look(false)
	store.Store.Break(nil)
	look(true)
	look(false)
}
