package engine_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// giving is a bank that gives back, and looks whether the marker is durable before it
// is asked.
type giving struct {
	*bank
	terms  payment.GiveBackTerms
	answer func() payment.GivenBack
	during func()

	mu    sync.Mutex
	asked []payment.GiveBack
}

func (g *giving) RefundTerms() (payment.GiveBackTerms, bool) { return g.terms, true }

func (g *giving) Refund(_ context.Context, q payment.GiveBack) payment.GivenBack {
	g.mu.Lock()
	g.asked = append(g.asked, q)
	g.mu.Unlock()
	page, err := g.store.List(context.Background(), payment.Listing{ID: q.ID})
	if err != nil || len(page.Records) != 1 {
		g.t.Errorf("%v", err)
	} else if i := page.Records[0].OpenRefund(); i < 0 || page.Records[0].Refunds[i].Key != q.Key || page.Records[0].Refunds[i].State != payment.RefundAsking {
		g.t.Errorf("the provider is asked to give back, and no marker is on record: %+v", page.Records[0].Refunds)
	}
	if g.during != nil {
		g.during()
	}
	return g.answer()
}

func (g *giving) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.asked)
}

func gave(o payment.GiveBackOutcome) func() payment.GivenBack {
	return func() payment.GivenBack { return payment.GivenBack{Outcome: o, Code: "7", Number: "r-9"} }
}

// till is an engine with one delivered payment of 50,000 rials.
func till(t *testing.T) (*engine.Engine, *giving, *events, payment.Ref) {
	t.Helper()
	store := memory.New(nil)
	g := &giving{bank: &bank{t: t, store: store, traits: idpayTraits}, terms: payment.GiveBackTerms{Partial: true}, answer: gave(payment.GiveBackDone)}
	heard := &events{}
	e, err := engine.New(t.Context(), engine.Config{
		Store: store, Sites: &shop{}, Observer: heard, Providers: map[string]engine.Provider{"idpay": {Provider: g, Timeout: time.Second}},
	})
	if err != nil {
		t.Fatal(err)
	}
	rec := &payment.Record{
		Ref: payment.NewRef("shop", g.traits.Issuer, "K1", "101"), Site: "shop", Provider: "idpay", Issuer: g.traits.Issuer, Environment: "live",
		ID: "K1", Order: "101", State: payment.Delivered, Expect: payment.Expectation{Amount: 50_000, Source: payment.FromIntent},
		Receipt: &payment.Receipt{ID: "K1", Order: "101", Amount: 50_000, Number: "77"}, CreatedAt: time.Now().UTC(),
	}
	if err := store.Commit(t.Context(), payment.Change{Record: rec, Take: rec.Keys(false)}); err != nil {
		t.Fatal(err)
	}
	return e, g, heard, rec.Ref
}

// Whole and in parts: the price is never exceeded, and all of it back is reversed.
func TestRefund(t *testing.T) {
	e, g, _, ref := till(t)
	part := engine.GiveBack{Kind: payment.KindRefund, Amount: 20_000, By: "sara", Note: "one of two"}
	rec, err := e.GiveBack(t.Context(), ref, part)
	if err != nil || rec.State != payment.Delivered || rec.Repaid() != 20_000 || rec.Refunds[0].Number != "r-9" || rec.Refunds[0].By != "sara" || rec.Refunds[0].Note != "one of two" {
		t.Fatalf("%+v, %v", rec, err)
	}
	if _, err := e.GiveBack(t.Context(), ref, engine.GiveBack{Kind: payment.KindRefund, Amount: 30_001}); !errors.Is(err, engine.ErrNotPossible) || g.count() != 1 {
		t.Errorf("more than is left: %v", err)
	}
	rec, err = e.GiveBack(t.Context(), ref, engine.GiveBack{Kind: payment.KindRefund})
	if err != nil || rec.State != payment.Reversed || rec.Repaid() != 50_000 {
		t.Errorf("the rest: %+v, %v", rec, err)
	}
	if a, b := g.asked[0], g.asked[1]; a.Number != "77" || a.Price != 50_000 || b.Amount != 30_000 || a.Key == b.Key || len(a.Key) > 36 {
		t.Errorf("asked %+v", g.asked)
	}
	if _, err := e.GiveBack(t.Context(), ref, part); !errors.Is(err, engine.ErrNotPossible) || g.count() != 2 {
		t.Errorf("once more: %v", err)
	}
	if _, err := e.GiveBack(t.Context(), ref, engine.GiveBack{Kind: payment.KindReverse}); !errors.Is(err, engine.ErrNotPossible) {
		t.Errorf("a provider that can't reverse: %v", err)
	}
}

// An unknown end is never asked about again by itself, nor by a person who hasn't said
// what became of it; it alarms. A panic is unknown, too.
func TestRefundUnknownIsNotRepeated(t *testing.T) {
	for name, answer := range map[string]func() payment.GivenBack{
		"no answer": func() payment.GivenBack { return payment.GivenBack{Err: errors.New("no answer")} },
		"a panic":   func() payment.GivenBack { panic("x") },
	} {
		for _, done := range []bool{true, false} {
			e, g, heard, ref := till(t)
			g.answer = answer
			rec, err := e.GiveBack(t.Context(), ref, engine.GiveBack{Kind: payment.KindRefund})
			if err != nil || rec.State != payment.Delivered || rec.Refunds[0].State != payment.RefundUnknown || heard.alerts(engine.EventRefundUnknown) != 1 {
				t.Fatalf("%s: %+v, %v", name, rec, err)
			}
			g.answer = gave(payment.GiveBackDone)
			if _, err := e.GiveBack(t.Context(), ref, engine.GiveBack{Kind: payment.KindRefund}); !errors.Is(err, engine.ErrNotPossible) || g.count() != 1 {
				t.Errorf("%s: asked again: %v", name, err)
			}
			rec, err = e.SettleRefund(t.Context(), ref, 0, done, "sara", "panel says so")
			if err != nil || (rec.State == payment.Reversed) != done || rec.Refunds[0].SettledBy != "sara" {
				t.Errorf("%s: %+v, %v", name, rec, err)
			}
			if _, err := e.SettleRefund(t.Context(), ref, 0, done, "sara", ""); !errors.Is(err, engine.ErrNotPossible) {
				t.Errorf("%s: settled twice: %v", name, err)
			}
			if _, err := e.GiveBack(t.Context(), ref, engine.GiveBack{Kind: payment.KindRefund}); (err == nil) == done {
				t.Errorf("%s: after the word of a person: %v", name, err)
			}
		}
	}
}

// A refusal, the owner's fault, "come later" and what was never sent gave nothing back:
// it may be asked again.
func TestRefundRefusedMayBeRepeated(t *testing.T) {
	for name, answer := range map[string]func() payment.GivenBack{
		"refused": gave(payment.GiveBackRefused), "operator": gave(payment.GiveBackOperator), "busy": gave(payment.GiveBackBusy),
		"unsent": func() payment.GivenBack { return payment.GivenBack{Unsent: true, Err: errors.New("no connection")} },
	} {
		e, g, heard, ref := till(t)
		g.answer = answer
		rec, err := e.GiveBack(t.Context(), ref, engine.GiveBack{Kind: payment.KindRefund})
		if err != nil || rec.State != payment.Delivered || rec.Refunds[0].State != payment.RefundRefused || rec.Repaid() != 0 {
			t.Fatalf("%s: %+v, %v", name, rec, err)
		}
		if alerts := heard.alerts(engine.EventOperator); (alerts == 1) != (name == "operator") {
			t.Errorf("%s: %d alerts", name, alerts)
		}
		g.answer = gave(payment.GiveBackDone)
		if rec, err = e.GiveBack(t.Context(), ref, engine.GiveBack{Kind: payment.KindRefund}); err != nil || rec.State != payment.Reversed {
			t.Errorf("%s, then done: %+v, %v", name, rec, err)
		}
	}
}

// A process that ends while the provider is asked leaves the marker: the next one asks
// nothing by itself.
func TestRefundThatWasInterrupted(t *testing.T) {
	synctest.Test(t, testRefundThatWasInterrupted)
}

func testRefundThatWasInterrupted(t *testing.T) {
	e, g, _, ref := till(t)
	rec, err := g.store.Get(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := rec.BeginRefund(payment.Refund{Kind: payment.KindRefund, Amount: 50_000, Key: "old"}, g.terms, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := g.store.Commit(t.Context(), payment.Change{Record: rec}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.GiveBack(t.Context(), ref, engine.GiveBack{Kind: payment.KindRefund}); !errors.Is(err, engine.ErrNotPossible) || g.count() != 0 {
		t.Errorf("asked again: %v", err)
	}
	if _, err := e.SettleRefund(t.Context(), ref, 0, false, "sara", "nothing in the panel"); !errors.Is(err, engine.ErrNotPossible) {
		t.Errorf("the provider may still be asked: %v", err)
	}
	time.Sleep(payment.RefundAsked)
	if _, err := e.SettleRefund(t.Context(), ref, 0, false, "sara", "nothing in the panel"); err != nil {
		t.Error(err)
	}
	if rec, err = e.GiveBack(t.Context(), ref, engine.GiveBack{Kind: payment.KindRefund}); err != nil || rec.State != payment.Reversed {
		t.Errorf("%+v, %v", rec, err)
	}
}

// 64 people at once: the provider is asked once. What becomes of the record meanwhile
// (a device that opens paid content) is kept.
func TestRefundAtOnce(t *testing.T) {
	e, g, _, ref := till(t)
	g.during = func() {
		for {
			rec, err := g.store.Get(context.Background(), ref)
			if err != nil {
				t.Error(err)
				return
			}
			rec.Devices = append(rec.Devices, payment.Device{Hash: "d"})
			if err = g.store.Commit(context.Background(), payment.Change{Record: rec}); err == nil || !errors.Is(err, payment.ErrConflict) {
				return
			}
		}
	}
	var wait sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range 64 {
		wait.Go(func() {
			if _, err := e.GiveBack(t.Context(), ref, engine.GiveBack{Kind: payment.KindRefund}); err == nil {
				mu.Lock()
				done++
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	rec, err := g.store.Get(t.Context(), ref)
	if err != nil || done != 1 || g.count() != 1 || rec.State != payment.Reversed || len(rec.Devices) != 1 {
		t.Errorf("%d done, asked %d times: %+v, %v", done, g.count(), rec, err)
	}
	if _, err := e.GiveBack(t.Context(), ref, engine.GiveBack{Kind: payment.KindRefund, Version: 1}); !errors.Is(err, payment.ErrConflict) {
		t.Errorf("an old version: %v", err)
	}
	if _, err := e.SettleRefund(t.Context(), ref, 1, true, "", ""); !errors.Is(err, payment.ErrConflict) {
		t.Errorf("an old version: %v", err)
	}
}

// What went back whole opens nothing any more; a part leaves it open.
func TestRefundClosesPaidContent(t *testing.T) {
	e, g, _, ref := till(t)
	rec, err := g.store.Get(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	rec.Expect.Item = "book"
	if err := g.store.Commit(t.Context(), payment.Change{Record: rec}); err != nil {
		t.Fatal(err)
	}
	open := func() bool {
		_, ok, err := e.Open(t.Context(), ref, "shop", []string{"book"}, "d1", 5)
		return err == nil && ok
	}
	for _, c := range []struct {
		amount payment.Rials
		want   bool
	}{{10_000, true}, {0, false}} {
		if _, err := e.GiveBack(t.Context(), ref, engine.GiveBack{Kind: payment.KindRefund, Amount: c.amount}); err != nil {
			t.Fatal(err)
		}
		if got := open(); got != c.want {
			t.Errorf("after %d: open is %v", c.amount, got)
		}
	}
}

// A refund whose process died while it asked is alarmed and given to a person by the next
// process, which never asks the provider again.
func TestRefundOfADeadProcess(t *testing.T) {
	for _, state := range []payment.State{payment.Delivered, payment.Parked} {
		synctest.Test(t, func(t *testing.T) {
			e, g, heard, ref := till(t)
			read := func() *payment.Record {
				t.Helper()
				rec, err := e.Store.Get(t.Context(), ref)
				if err != nil {
					t.Fatal(err)
				}
				return rec
			}
			rec := read()
			rec.State = state
			if err := rec.BeginRefund(payment.Refund{Kind: payment.KindReverse, Amount: 50_000, Key: "k"}, g.terms, time.Now()); err != nil {
				t.Fatal(err)
			}
			if err := e.Store.Commit(t.Context(), payment.Change{Record: rec}); err != nil {
				t.Fatal(err)
			}
			sweepAfter := func(d time.Duration) {
				t.Helper()
				time.Sleep(d)
				if _, err := e.Sweep(t.Context()); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
			}
			sweepAfter(payment.RefundAsked - time.Millisecond)
			if rec = read(); rec.RefundUnknown() || heard.alerts(engine.EventRefundUnknown) != 0 {
				t.Errorf("%s: it may still be asking: %+v", state, rec.Refunds)
			}
			sweepAfter(time.Millisecond)
			sweepAfter(24 * time.Hour)
			if rec = read(); rec.State != state || !rec.RefundUnknown() || heard.alerts(engine.EventRefundUnknown) != 1 || g.count() != 0 || !rec.Waits() {
				t.Errorf("%s: %s %+v, %d alarms, asked %d times", state, rec.State, rec.Refunds, heard.alerts(engine.EventRefundUnknown), g.count())
			}
			rec, err := e.SettleRefund(t.Context(), ref, 0, true, "sara", "seen in the panel")
			if err != nil || rec.State != payment.Reversed || rec.Waits() {
				t.Errorf("%s: %+v, %v", state, rec, err)
			}
		})
	}
}

// Nobody speaks for a refund while the provider may still answer. If a node stood still for
// longer than that, its answer is on record all the same, and somebody is told.
func TestRefundThatContradictsAPerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, g, heard, ref := till(t)
		answer := make(chan struct{})
		g.answer = func() payment.GivenBack { <-answer; return payment.GivenBack{Outcome: payment.GiveBackDone, Code: "7"} }
		first := make(chan error)
		go func() {
			_, err := e.GiveBack(t.Context(), ref, engine.GiveBack{Kind: payment.KindRefund, Amount: 20_000})
			first <- err
		}()
		synctest.Wait()
		if _, err := e.SettleRefund(t.Context(), ref, 0, false, "sara", "nothing there"); !errors.Is(err, engine.ErrNotPossible) {
			t.Errorf("in flight: %v", err)
		}
		time.Sleep(payment.RefundAsked)
		if _, err := e.SettleRefund(t.Context(), ref, 0, false, "sara", "nothing there"); err != nil {
			t.Error(err)
		}
		alarms := heard.alerts(engine.EventRefunded)
		close(answer)
		if err := <-first; err != nil {
			t.Error(err)
		}
		rec, err := e.Store.Get(t.Context(), ref)
		if err != nil || rec.Repaid() != 20_000 || rec.Refunds[0].State != payment.RefundDone || rec.Refunds[0].SettledBy != "sara" || heard.alerts(engine.EventRefunded) != alarms+1 {
			t.Errorf("%+v, %v, %d alarms", rec.Refunds, err, heard.alerts(engine.EventRefunded)-alarms)
		}
	})
}

// A parked payment whose money may be on its way back is not handed over, and says why.
func TestRefundKeepsFromRedelivering(t *testing.T) {
	e, g, _, ref := till(t)
	rec, err := e.Store.Get(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	rec.State, rec.Return = payment.Parked, &payment.Return{URI: "/callback?id=K1"}
	if err := rec.BeginRefund(payment.Refund{Kind: payment.KindRefund, Amount: 50_000, Key: "k"}, g.terms, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := e.Store.Commit(t.Context(), payment.Change{Record: rec}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Decide(t.Context(), ref, rec.Version, payment.DecideRedeliver, payment.Note{By: "sara", Text: "again"}); !errors.Is(err, engine.ErrNotPossible) {
		t.Errorf("%v", err)
	}
}
