package nodes_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
	"github.com/rahgir/caddy-payments/storage/postgres/pgtest"
)

// step is one change of a payment, as the proxy recognises it: by the state that
// the statement writes.
type step struct {
	name, state string
	// skip is how many changes of the same payment write that state before it.
	skip int
	// forgotten: the database confirms it before its disk has it.
	forgotten bool
	// flush brings to the disk what was confirmed before this step without it.
	flush bool
}

func steps() []step {
	return []step{
		{name: "the intent", state: "created"},
		{name: "the claim of a paid return", state: "verifying"},
		{name: "verified", state: "verified"},
		{name: "the delivery's marker", state: "delivering"},
		{name: "delivered", state: "delivered", forgotten: true},
		{name: "the conversion", state: "delivered", skip: 1, flush: true},
	}
}

// message is how a statement's arguments hold a text.
func (s step) message() []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(s.state))), s.state...)
}

// F35: PostgreSQL is stopped with `immediate` at each step of a payment: before
// the server has the statement, while it carries it out, when it has committed
// and its answer is lost, and when it has just answered. Whatever was confirmed
// is there afterwards, and the payment goes on from there: it is credited once.
func TestStoppedAtEachStep(t *testing.T) {
	for _, s := range steps() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel() // each step has a database of its own, and mostly waits for leases to end
			s.stopped(t)
		})
	}
}

func (s step) stopped(t *testing.T) {
	db := pgtest.Start(t)
	p := pgtest.NewProxy(t, db.Port)
	w := newWorldAt(t, db, db.DSNAt(p.Port), 1, "absent deliver\nbounce off")
	w.dsn = db.DSN()
	n := 0
	for when, rule := range map[string]func(stop func()) pgtest.Cut{
		"before the server has it":        func(stop func()) pgtest.Cut { return pgtest.Cut{Unsent: true, Before: stop} },
		"while the server carries it out": func(stop func()) pgtest.Cut { return w.blocked(stop) },
		"committed, the answer lost":      func(stop func()) pgtest.Cut { return pgtest.Cut{Then: stop} },
		"answered":                        func(stop func()) pgtest.Cut { return pgtest.Cut{Then: stop, Answered: true} },
	} {
		t.Run(when, func(t *testing.T) {
			stopped := make(chan struct{})
			cut := rule(func() {
				db.Immediate()
				close(stopped)
			})
			cut.Pattern, cut.Skip = s.message(), s.skip
			if before := cut.Before; s.flush {
				cut.Before = func() {
					if err := db.SQL(t.Context(), "CHECKPOINT"); err != nil {
						t.Error(err)
					}
					if before != nil {
						before()
					}
				}
			}
			p.Once(cut)
			n++
			w.stoppedOnce(t, fmt.Sprintf("track-of-step-%d", n), stopped, s.forgotten && when == "answered")
		})
	}
}

// blocked stops the server while a statement waits for a lock in it.
func (w *world) blocked(stop func()) pgtest.Cut {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	var holder *pgx.Conn
	return pgtest.Cut{
		Before: func() {
			conn, err := pgx.Connect(ctx, w.dsn)
			if err == nil {
				_, err = conn.Exec(ctx, "BEGIN; LOCK TABLE payments_records IN SHARE ROW EXCLUSIVE MODE")
			}
			if err != nil {
				w.t.Errorf("locking the records: %v", err)
			}
			holder = conn
		},
		Sent: func() {
			defer cancel()
			waits := false
			for ; !waits && ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
				err := holder.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE relation = 'payments_records'::regclass AND NOT granted)").Scan(&waits)
				if err != nil {
					w.t.Errorf("looking for who waits: %v", err)
					break
				}
			}
			stop()
			_ = holder.Close(ctx)
		},
	}
}

// stoppedOnce makes one payment during which the database is stopped, starts it
// again, and looks what has become of everything. forgets: the database may have
// lost what it confirmed last.
func (w *world) stoppedOnce(t *testing.T, track string, stopped <-chan struct{}, forgets bool) {
	t.Helper()
	back := make(chan struct{})
	go func() {
		defer close(back)
		select {
		case <-stopped:
			w.db.Again(t)
		case <-time.After(2 * time.Minute):
			t.Error("the step was never seen")
		}
	}()
	b := w.browser(0)
	b.Client.Timeout = time.Minute
	id, ret := "", (*sandbox.Return)(nil)
	harness.Wait(t, "a payment begins", time.Minute, func() bool {
		if _, err := b.Try(http.MethodGet, "http://"+host+"/product/mug?track_id="+track, ""); err != nil {
			return false
		}
		var err error
		id, ret, err = w.buyWith(b)
		return err == nil
	})
	if p, err := come(b, ret); err == nil && p.Status >= 400 && p.Status != http.StatusServiceUnavailable {
		t.Errorf("a paid return got %d", p.Status)
	}
	<-back
	harness.Wait(t, "its customer gets an answer", time.Minute, func() bool {
		p, err := come(b, ret)
		return err == nil && p.Status != http.StatusServiceUnavailable
	})
	var state string
	// A delivery whose end was forgotten is taken up when its lease ends.
	harness.Wait(t, "the payment comes to rest", 3*time.Minute, func() bool {
		state = w.newest()
		return state == "delivered" || forgets && (state == "delivering" || state == "parked")
	})
	if v := w.verifies(id); w.told(id) != 1 || v.First != 1 {
		t.Errorf("it is %s; told %d times, %+v", state, w.told(id), v)
	}
	if state != "delivered" {
		t.Logf("the delivery's end was forgotten: it is %s", state)
		return
	}
	accepted := func() (n int) {
		for _, c := range w.box.Ledger("", "", "").Conversions {
			if c.TrackID == track && c.Result == "accepted" {
				n++
			}
		}
		return n
	}
	// A try that nobody knows the outcome of is made again a minute later.
	harness.Wait(t, "its conversion is reported", 3*time.Minute, func() bool { return accepted() > 0 })
	if n := accepted(); n != 1 {
		t.Errorf("the conversion was accepted %d times", n)
	}
	// The network has it before the ledger has: what is written then is no step of the next payment.
	harness.Wait(t, "the ledger has it", time.Minute, func() bool {
		return w.cell("SELECT count(*)::text FROM payments_records WHERE state = 'delivered' AND due IS NOT NULL") == "0"
	})
}

// newest is the state of the payment that began last, straight from the table.
func (w *world) newest() (state string) {
	return w.cell("SELECT state FROM payments_records ORDER BY created DESC LIMIT 1")
}

// cell is what a query finds, empty while the database doesn't answer.
func (w *world) cell(query string) (found string) {
	w.ask(func(ctx context.Context, conn *pgx.Conn) error {
		if err := conn.QueryRow(ctx, query).Scan(&found); !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		return nil
	})
	return found
}
