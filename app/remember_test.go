package app

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/operate/watch"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// A process that begins in the middle of a bad day says of each provider what the one before
// it said; of another ledger, after a day, of a provider that it has asked itself and of one
// that is configured no more it says nothing. When the day is over, the file is gone.
func TestProvidersAreRemembered(t *testing.T) {
	now := time.Now()
	file := filepath.Join(t.TempDir(), "new", "payments.providers")
	store, other := memoryStore(t), memoryStore(t)
	names := []string{"verify", "create", "key", "well", "gone"}
	starts := func(names ...string) *watch.Watch {
		w := watch.New(func() time.Time { return now })
		w.Keep(names)
		return w
	}
	down := errors.New("no answer")
	w := starts(names...)
	for range 4 {
		w.Note(engine.Event{Name: engine.EventAsked, Provider: "verify", Outcome: engine.VerifyUnknown, Err: down})
		w.Note(engine.Event{Name: engine.EventAsked, Provider: "gone", Outcome: engine.VerifyUnknown, Err: down})
		w.Note(engine.Event{Name: engine.EventStarting, Provider: "create", Outcome: engine.CreateUnreachable, Err: down})
	}
	w.Note(engine.Event{Name: engine.EventAsked, Provider: "key", Outcome: engine.VerifyOperator})
	w.Note(engine.Event{Name: engine.EventAsked, Provider: "well", Outcome: engine.VerifyPaid})
	missed := func(w *watch.Watch, site, event string) {
		w.Note(engine.Event{Name: event, Record: &payment.Record{Ref: "r", Site: site, State: payment.Verified, Reason: payment.ReasonUnreachable}})
	}
	missed(w, "down.example", engine.EventMissed)
	missed(w, "down.example", engine.EventMissed)
	missed(w, "once.example", engine.EventMissed)
	missed(w, "well.example", engine.EventDelivered)
	first := &processMemoryOf{file: file}
	first.recall(t, store, w, now)
	first.keep(t, w, now)

	again := func(what string, s payment.Store, at time.Time, before func(*watch.Watch)) *watch.Watch {
		t.Helper()
		next := starts(names[:4]...)
		if before != nil {
			before(next)
		}
		m := &processMemoryOf{file: file}
		m.recall(t, s, next, at)
		return next
	}
	next := again("restart", store, now.Add(time.Minute), nil)
	for name, want := range map[string]string{"verify": watch.CauseUnanswered, "create": watch.CauseCreate, "key": watch.CauseRefused, "well": "", "gone": ""} {
		cause, since := next.Provider(name).Down()
		if cause != want || cause != "" && !since.Equal(now) {
			t.Errorf("after a restart %s is %q since %v, want %q since %v", name, cause, since, want, now)
		}
		if _, turned := next.ProviderTurn(name); turned != (want != "") {
			t.Errorf("after a restart people are told of %s: %t", name, turned)
		}
	}
	for site, fails := range map[string]int{"down.example": 2, "once.example": 1, "well.example": 0} {
		if s := next.Shops()[site]; s.Fails != fails || fails > 0 && (!s.Since.Equal(now) || s.Why != payment.ReasonUnreachable) {
			t.Errorf("after a restart %s is %+v", site, s)
		}
	}
	missed(next, "down.example", engine.EventMissed)
	if down, turned := next.ShopTurn("down.example"); !down || !turned {
		t.Error("after a restart people are not told of a shop that is still down")
	}
	seen := again("handed over since", store, now, func(w *watch.Watch) { missed(w, "down.example", engine.EventDelivered) })
	if s := seen.Shops()["down.example"]; s.Failing() {
		t.Errorf("what this process has seen of a shop lost against the earlier one: %+v", s)
	}
	if w := again("another ledger", other, now, nil); len(w.Down())+len(w.Shops()) != 0 {
		t.Errorf("another ledger knows of %v %v", w.Down(), w.Shops())
	}
	for _, late := range []struct {
		after time.Duration
		n     int
	}{{rememberFor - time.Second, 3}, {rememberFor, 0}, {100 * rememberFor, 0}} {
		w := again("later", store, now.Add(late.after), nil)
		if n := len(w.Down()); n != late.n || (len(w.Shops()) == 2) != (n > 0) {
			t.Errorf("%v later %d providers are down, want %d, and shops %v", late.after, n, late.n, w.Shops())
		}
	}
	asked := again("asked since", store, now, func(w *watch.Watch) {
		w.Note(engine.Event{Name: engine.EventAsked, Provider: "verify", Outcome: engine.VerifyPaid})
	})
	if cause, _ := asked.Provider("verify").Down(); cause != "" {
		t.Errorf("what this process has seen lost against the earlier one: %s", cause)
	}

	// The day ends.
	m := &processMemoryOf{file: file}
	end := starts(names[:4]...)
	m.recall(t, store, end, now)
	for _, name := range names[:4] {
		end.Note(engine.Event{Name: engine.EventAsked, Provider: name, Outcome: engine.VerifyPaid})
		end.Note(engine.Event{Name: engine.EventStarting, Provider: name, Outcome: engine.CreateOK})
	}
	missed(end, "down.example", engine.EventDelivered)
	missed(end, "once.example", engine.EventDelivered)
	m.keep(t, end, now)
	if _, err := os.Stat(file); err == nil {
		t.Error("the file is left when all is well")
	}
	// A shop alone is reason enough for a file, and one that nobody has tried for a day is none
	// for the process after the next.
	missed(end, "down.example", engine.EventMissed)
	m.keep(t, end, now)
	for after, n := range map[time.Duration]int{time.Hour: 1, rememberFor: 1, rememberFor + time.Second: 0} {
		third := starts()
		third.RecallShops(end.FailingShops(), now.Add(after-rememberFor))
		if len(third.Shops()) != n {
			t.Errorf("%v after its last hand-over: %v", after, third.Shops())
		}
	}
	if len(again("a shop alone", store, now, nil).Shops()) != 1 {
		t.Error("a shop alone is forgotten")
	}
	missed(end, "down.example", engine.EventDelivered)
	m.keep(t, end, now)
	if _, err := os.Stat(file); err == nil {
		t.Error("the file is left when the shop is back")
	}
	// What can't be read is no reason for anything.
	if err := os.WriteFile(file, []byte("{half"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := &memoryFile{file: file}
	if err := broken.recall(t.Context(), store, starts(names...), now); err == nil {
		t.Error("a broken file is read")
	}
}

func memoryStore(t *testing.T) payment.Store {
	t.Helper()
	s := memory.New(time.Now)
	if gen, err := s.Generation(t.Context()); err != nil || gen.ID == "" {
		t.Fatal(gen, err)
	}
	return s
}

// processMemoryOf is a process's, for a test.
type processMemoryOf struct {
	file string
	m    *memoryFile
}

func (p *processMemoryOf) recall(t *testing.T, s payment.Store, w *watch.Watch, now time.Time) {
	t.Helper()
	p.m = &memoryFile{file: p.file}
	if err := p.m.recall(t.Context(), s, w, now); err != nil {
		t.Fatal(err)
	}
}

func (p *processMemoryOf) keep(t *testing.T, w *watch.Watch, now time.Time) {
	t.Helper()
	if err := p.m.keep(w, now); err != nil {
		t.Fatal(err)
	}
}
