package postgres

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/postgres/pgtest"
)

// Everybody is served once, no statement is larger than allowed, and no more are
// under way than there are lanes.
func TestGroup(t *testing.T) {
	var running, most, statements atomic.Int64
	var mu sync.Mutex
	served := make(map[int]int)
	var g group[int]
	g.run = func(all []int) {
		statements.Add(1)
		if n := running.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer running.Add(-1)
		mu.Lock()
		defer mu.Unlock()
		if len(all) > largest {
			t.Errorf("%d in one", len(all))
		}
		for _, i := range all {
			served[i]++
		}
	}
	const n = 5000
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			g.do(i)
			mu.Lock()
			defer mu.Unlock()
			if served[i] != 1 {
				t.Errorf("%d was served %d times when its call returned", i, served[i])
			}
		})
	}
	all.Wait()
	if len(served) != n || most.Load() > lanes {
		t.Errorf("%d of %d, %d at once", len(served), n, most.Load())
	}
	if g.do(n); served[n] != 1 || g.queue != nil {
		t.Error("it does not end as it began")
	}
	t.Logf("%d calls, %d statements", n, statements.Load())
}

// However many wait while a statement is under way, each is served: fewer than
// one statement takes, as many, one more, and many times as many. Nor does a
// statement that panics keep the others waiting.
func TestGroupBeyondAStatement(t *testing.T) {
	for _, n := range []int{0, 1, largest - 1, largest, largest + 1, 10*largest + 1} {
		for _, panics := range []bool{false, true} {
			var g group[int]
			var served, first atomic.Int64
			gate := make(chan struct{})
			g.run = func(all []int) {
				if len(all) > largest {
					t.Errorf("%d in one", len(all))
				}
				served.Add(int64(len(all)))
				if first.Add(1) <= lanes {
					<-gate
					if panics {
						panic("of a driver")
					}
				}
			}
			var all sync.WaitGroup
			for i := range lanes {
				all.Go(func() {
					defer func() { _ = recover() }() // as net/http does
					g.do(i)
				})
			}
			for first.Load() < lanes {
				runtime.Gosched()
			}
			for i := range n {
				all.Go(func() { g.do(i) })
			}
			for waiting := -1; waiting < n; {
				g.mu.Lock()
				waiting = len(g.queue)
				g.mu.Unlock()
				runtime.Gosched()
			}
			close(gate)
			all.Wait()
			if served.Load() != int64(n+lanes) {
				t.Errorf("%d of %d were served", served.Load(), n+lanes)
			}
			if g.do(n); served.Load() != int64(n+lanes+1) {
				t.Error("it does not go on")
			}
		}
	}
}

// together sends changes in one statement and tells what became of each.
func together(s *Store, changes ...payment.Change) []*member {
	all := make([]*member, len(changes))
	for i, c := range changes {
		k, _ := c.Record.Ref.Bytes()
		w, err := newRow(c, k)
		if err != nil {
			panic(err)
		}
		all[i] = &member{ctx: ctx, row: w}
	}
	s.sendAll(slices.Clone(all))
	return all
}

// Changes that share a statement are compare-and-set each by itself: one that
// has lost does not touch the others, and one whose key is taken takes all back.
func TestSharedStatement(t *testing.T) {
	s := newLedger(t).open(t)
	recs := make([]*payment.Record, 6)
	changes := make([]payment.Change, len(recs))
	for i := range recs {
		recs[i] = newRecord(i)
		changes[i] = payment.Change{Record: recs[i]}
	}
	if err := s.Commit(ctx, payment.Change{Record: newRecord(0)}); err != nil {
		t.Fatal(err)
	}
	check := func(what string, all []*member, want ...int64) {
		t.Helper()
		for i, m := range all {
			if m.err != nil || m.n != want[i] {
				t.Errorf("%s: change %d wrote %d, want %d: %v", what, i, m.n, want[i], m.err)
			}
		}
	}
	check("first changes", together(s.Store, changes...), 0, 1, 1, 1, 1, 1)
	for i, r := range recs {
		r.Version, r.Code = 1, "second"
		changes[i].Take = []payment.Key{payment.ReceiptKey("i", r.ID), payment.OrderKey("shop", "i", r.ID)}
	}
	recs[3].Version = 7
	check("changes with keys", together(s.Store, changes...), 1, 1, 1, 0, 1, 1)
	for i, r := range recs {
		got, err := s.Get(ctx, r.Ref)
		holder, kerr := s.Holder(ctx, payment.ReceiptKey("i", r.ID))
		if i == 3 {
			if err != nil || got.Version != 1 || got.Code != "" || !errors.Is(kerr, payment.ErrNotFound) {
				t.Errorf("the one that lost was written: %+v %v", got, kerr)
			}
			continue
		}
		if err != nil || got.Version != 2 || got.Code != "second" || kerr != nil || holder != r.Ref {
			t.Errorf("record %d: %+v %v, key %s %v", i, got, err, holder, kerr)
		}
	}
	// The same keys again are held by the record itself; another's are not free.
	for _, r := range recs {
		r.Version = 2
	}
	recs[3].Version = 1
	changes[3].Take = []payment.Key{payment.ReceiptKey("i", recs[5].ID)}
	for i, m := range together(s.Store, changes...) {
		if !isState(m.err, stateUnique) || m.n != 0 {
			t.Errorf("change %d: wrote %d, %v", i, m.n, m.err)
		}
	}
	for i, r := range recs {
		if got, err := s.Get(ctx, r.Ref); err != nil || got.Version != r.Version {
			t.Errorf("record %d was written with a key that is another's: %+v %v", i, got, err)
		}
	}
	// Two of one record are never in one statement.
	twice := together(s.Store, payment.Change{Record: recs[0], Lazy: true}, payment.Change{Record: recs[0], Lazy: true}, payment.Change{Record: recs[1], Lazy: true})
	if twice[0].n != 1 || twice[1].n != 0 || !errors.Is(twice[1].err, errApart) || twice[2].n != 1 {
		t.Errorf("%+v %+v %+v", twice[0], twice[1], twice[2])
	}
}

// A server that may be another than PostgreSQL gets lazy changes together with others. Whichever
// comes first, the keys of the others are taken.
func TestLazyAmongOthers(t *testing.T) {
	s := newLedger(t).open(t)
	recs := []*payment.Record{newRecord(0), newRecord(1)}
	for _, r := range recs {
		if err := s.Commit(ctx, payment.Change{Record: r}); err != nil {
			t.Fatal(err)
		}
	}
	for takes := range recs {
		changes := make([]payment.Change, len(recs))
		for i, r := range recs {
			changes[i] = payment.Change{Record: r, Lazy: i != takes}
		}
		k := payment.ReceiptKey("i", recs[takes].ID)
		changes[takes].Take = []payment.Key{k}
		for i, m := range together(s.Store, changes...) {
			if m.err != nil || m.n != 1 {
				t.Errorf("change %d wrote %d: %v", i, m.n, m.err)
			}
			recs[i].Version, recs[i].Mark = recs[i].Version+1, m.row.writer
		}
		if ref, err := s.Holder(ctx, k); err != nil || ref != recs[takes].Ref {
			t.Errorf("the key of record %d is held by %q, %v", takes, ref, err)
		}
	}
}

// Many changes at once, some of which want a key that another has: each gets its
// own answer, however they were put together.
func TestManyAtOnce(t *testing.T) {
	l := newLedger(t)
	nodes := []handle{l.open(t), l.open(t)}
	const n = 200
	var all sync.WaitGroup
	var won, lost atomic.Int64
	for i := range n {
		all.Go(func() {
			s := nodes[i%2]
			r := newRecord(i)
			for v := range 3 {
				c := payment.Change{Record: r, Lazy: v == 2}
				if v == 1 {
					// Each key is wanted by two records, of different nodes.
					c.Take = []payment.Key{payment.ReceiptKey("i", newRecord(i/2).ID), payment.NumberKey("i", r.ID)}
				}
				err := s.Commit(ctx, c)
				var taken *payment.TakenError
				switch {
				case err == nil && v == 1:
					won.Add(1)
				case errors.As(err, &taken) && v == 1:
					lost.Add(1)
					if want := newRecord(i ^ 1).Ref; taken.Holder != want {
						t.Errorf("record %d: the key is held by %s, want %s", i, taken.Holder, want)
					}
				case err != nil:
					t.Errorf("record %d, version %d: %v", i, v, err)
				}
			}
		})
	}
	all.Wait()
	if won.Load() != n/2 || lost.Load() != n/2 {
		t.Errorf("%d won, %d lost", won.Load(), lost.Load())
	}
	for i := range n {
		got, err := nodes[0].Get(ctx, newRecord(i).Ref)
		if err != nil || got.Version < 2 {
			t.Errorf("record %d: %+v %v", i, got, err)
		}
	}
}

// A statement that many share breaks off: the outcome of each is found out.
func TestUnknownSharedCommit(t *testing.T) {
	for name, unsent := range map[string]bool{"the server had it": false, "the server never saw it": true} {
		p, s, direct := behind(t)
		const n = 40
		recs := make([]*payment.Record, n)
		for version := range uint64(4) {
			k, _ := (newRecord(n - 1).Ref).Bytes()
			p.Once(pgtest.Cut{Pattern: k[:], Unsent: unsent})
			var all sync.WaitGroup
			for i := range n {
				if version == 0 {
					recs[i] = newRecord(i)
				}
				all.Go(func() {
					c := payment.Change{Record: recs[i], Lazy: version == 3}
					if version == 2 {
						c.Take = []payment.Key{payment.ReceiptKey("i", recs[i].ID)}
					}
					if err := s.Commit(ctx, c); err != nil {
						t.Errorf("%s: record %d, version %d: %v", name, i, version, err)
					}
				})
			}
			all.Wait()
			for i := range n {
				if got, err := direct.Get(ctx, recs[i].Ref); err != nil || got.Version != version+1 {
					t.Errorf("%s: record %d: version %d after %d, %v", name, i, got.Version, version+1, err)
				}
			}
		}
	}
}

// A record that somebody else has locked does not hold up the others for long.
func TestLockedRecord(t *testing.T) {
	l := newLedger(t)
	s := l.open(t)
	const n = 30
	recs := make([]*payment.Record, n)
	for i := range recs {
		recs[i] = newRecord(i)
		if err := s.Commit(ctx, payment.Change{Record: recs[i]}); err != nil {
			t.Fatal(err)
		}
	}
	servers.Cluster(t).With(t, func(ctx context.Context, conn *pgx.Conn) {
		tx, err := conn.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		k, _ := recs[0].Ref.Bytes()
		if _, err := tx.Exec(ctx, "SELECT 1 FROM "+l.schema+".payments_records WHERE ref = $1 FOR UPDATE", k[:]); err != nil {
			t.Fatal(err)
		}
		var all, locked sync.WaitGroup
		locked.Go(func() {
			if err := s.Commit(ctx, payment.Change{Record: recs[0]}); err != nil {
				t.Errorf("the locked one: %v", err)
			}
		})
		for i := 1; i < n; i++ {
			all.Go(func() {
				if err := s.Commit(ctx, payment.Change{Record: recs[i]}); err != nil {
					t.Errorf("record %d: %v", i, err)
				}
			})
		}
		all.Wait()
		if err := tx.Rollback(ctx); err != nil {
			t.Error(err)
		}
		locked.Wait()
	})
}
