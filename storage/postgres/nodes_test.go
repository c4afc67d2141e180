package postgres

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/postgres/pgtest"
)

// hasty makes nodes notice each other soon.
func hasty(c *config) {
	c.beat, c.silence, c.yield = 50*time.Millisecond, 600*time.Millisecond, time.Hour
}

// die is what kill -9 does to a node: it says no good-bye.
func die(s *Store) {
	s.closed.Store(true)
	s.stop()
	s.chores.Wait()
	s.pool.Close()
}

// A node that falls silent loses its leases before their time, and the others
// are told; one that says good-bye only stops working.
func TestSilence(t *testing.T) {
	l := newLedger(t, hasty)
	a, b := l.open(t), l.open(t)
	lease := func(s handle) payment.Lease { return payment.Lease{Owner: s.Owner(), Until: s.Now().Add(time.Hour)} }
	of, stranger := lease(b), payment.Lease{Owner: "nobody knows", Until: a.Now().Add(time.Hour)}
	waitFor(t, "a sees b", func() bool { _, all := a.nodes.share(); return !all })
	if !a.Alive(of) || !a.Alive(stranger) {
		t.Error("a lease does not bind")
	}
	die(b.Store)
	waitFor(t, "b is silent", func() bool { return !a.Alive(of) })
	select {
	case <-a.Orphaned():
	case <-time.After(10 * time.Second):
		t.Error("nobody was told")
	}
	if _, all := a.nodes.share(); !all {
		t.Error("the work of a silent node is nobody's")
	}
	if !a.Alive(stranger) || !a.Alive(lease(a)) {
		t.Error("others' leases ended with it")
	}
}

// F30: what this machine's clock says does not matter.
func TestClockIsTheDatabases(t *testing.T) {
	s := newLedger(t, hasty).open(t)
	var db int64
	if err := s.pool.QueryRow(ctx, "SELECT "+dbNow).Scan(&db); err != nil {
		t.Fatal(err)
	}
	if d := s.Now().Sub(time.UnixMicro(db)); d < -5*time.Second || d > 5*time.Second {
		t.Errorf("off by %s", d)
	}
	var c clock
	c.init()
	before := time.Now()
	c.set(before, before, before.Add(15*time.Minute).UnixMicro())
	if d := time.Until(c.now()); d < 14*time.Minute || d > 16*time.Minute {
		t.Errorf("the database is 15 min ahead, we are %s", d)
	}
	at := c.now()
	c.set(before, before, before.Add(15*time.Minute-time.Second).UnixMicro())
	if c.now().Before(at) {
		t.Error("time goes back")
	}
}

// The nodes' shares of the work are disjoint and together all of it.
func TestDueIsShared(t *testing.T) {
	// No node is taken for dead that a busy machine only holds up.
	l := newLedger(t, hasty, func(c *config) { c.silence = time.Minute })
	nodes := []handle{l.open(t), l.open(t), l.open(t)}
	waitFor(t, "all see all", func() bool {
		n := 0
		for _, s := range nodes {
			mine, _ := s.nodes.share()
			n += len(mine)
		}
		return n == slots
	})
	due := nodes[0].Now().Add(-time.Minute)
	const n = 300
	var all sync.WaitGroup
	for w := range 6 {
		all.Go(func() {
			for i := w; i < n; i += 6 {
				r := newRecord(i)
				r.Due = due
				if err := nodes[0].Commit(ctx, payment.Change{Record: r, Lazy: true}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	seen := make(map[payment.Ref]int)
	for i, s := range nodes {
		refs, err := s.Due(ctx, s.Now(), n)
		if err != nil {
			t.Fatal(err)
		}
		if len(refs) < n/10 {
			t.Errorf("node %d gets %d of %d", i, len(refs), n)
		}
		for _, ref := range refs {
			seen[ref]++
		}
	}
	if len(seen) != n {
		t.Errorf("%d of %d are somebody's", len(seen), n)
	}
	for ref, times := range seen {
		if times != 1 {
			t.Errorf("%s is offered to %d nodes", ref, times)
		}
	}
	// What its own node leaves lying is offered to all.
	nodes[1].cfg.yield = 0
	if refs, err := nodes[1].Due(ctx, nodes[1].Now(), 2*n); err != nil || len(refs) != n {
		t.Errorf("%d of %d, %v", len(refs), n, err)
	}
	// A node that says good-bye leaves its share to the others at once.
	if err := nodes[2].Close(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "its share is taken", func() bool {
		a, _ := nodes[0].nodes.share()
		b, _ := nodes[1].nodes.share()
		return len(a)+len(b) == slots
	})
}

// Nodes that see the same work, because one has left it lying, run for all of it
// at once: each payment is one node's. This is what SKIP LOCKED would be for; a
// claim is a compare-and-set instead, which every server has and which outlives
// the connection.
func TestDueIsClaimedOnce(t *testing.T) {
	l := newLedger(t) // a hasty ledger takes a node for dead that a busy machine only holds up
	nodes := []handle{l.open(t), l.open(t), l.open(t)}
	const n = 120
	due := nodes[0].Now().Add(-time.Minute)
	for i := range n {
		r := newRecord(i)
		r.Due = due
		if err := nodes[0].Commit(ctx, payment.Change{Record: r, Lazy: true}); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	claimed := make(map[payment.Ref][]string)
	var all, asked sync.WaitGroup
	asked.Add(len(nodes))
	for _, s := range nodes {
		s.cfg.yield = 0
		all.Go(func() {
			refs, err := s.Due(ctx, s.Now(), n)
			asked.Done()
			asked.Wait() // nobody takes one before all were offered all
			if err != nil || len(refs) != n {
				t.Errorf("%d of %d are offered: %v", len(refs), n, err)
			}
			var mine sync.WaitGroup
			for _, ref := range refs {
				mine.Go(func() {
					r, err := s.Get(ctx, ref)
					if err != nil {
						t.Error(err)
						return
					}
					if s.Alive(r.Lease) {
						return // somebody has it
					}
					r.Lease = payment.Lease{Owner: s.Owner(), Until: s.Now().Add(time.Hour)}
					r.Due = r.Lease.Until
					switch err := s.Commit(ctx, payment.Change{Record: r}); {
					case err == nil:
						mu.Lock()
						claimed[ref] = append(claimed[ref], s.Owner())
						mu.Unlock()
					case !errors.Is(err, payment.ErrConflict):
						t.Error(err)
					}
				})
			}
			mine.Wait()
		})
	}
	all.Wait()
	share := make(map[string]int)
	for ref, by := range claimed {
		if len(by) != 1 {
			t.Errorf("%s was claimed by %d nodes", ref, len(by))
		}
		share[by[0]]++
	}
	if len(claimed) != n {
		t.Errorf("%d of %d were claimed", len(claimed), n)
	}
	t.Logf("shares: %v", share)
}

func TestDivide(t *testing.T) {
	var working []string
	before := make(map[int16]string)
	for n := range 9 {
		working = append(working, fmt.Sprintf("node-%d", n))
		owner := make(map[int16]string)
		for _, id := range working {
			mine := divide(id, working)
			if mine == nil && len(working) > 1 {
				t.Errorf("%s of %d nodes gets nothing", id, len(working))
			}
			for _, slot := range mine {
				if owner[slot] != "" {
					t.Errorf("slot %d is %s's and %s's", slot, owner[slot], id)
				}
				owner[slot] = id
			}
		}
		if n > 0 && len(owner) != slots {
			t.Errorf("%d nodes share %d of %d slots", n+1, len(owner), slots)
		}
		if n > 1 {
			for slot, id := range owner {
				if id != before[slot] && id != working[n] {
					t.Errorf("slot %d went from %s to %s when %s came", slot, before[slot], id, working[n])
				}
			}
		}
		before = owner
	}
}

// F39: too few connections make callers wait, and fail in time; they don't make
// wrong answers.
func TestFewConnections(t *testing.T) {
	c := pgtest.Start(t)
	c.Exec(t, "CREATE ROLE few LOGIN CONNECTION LIMIT 3; GRANT ALL ON SCHEMA public TO few")
	dsn := c.DSN("user", "few")
	s, err := Open(ctx, dsn, WithConns(40), WithTimeout(20*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var made, failed atomic.Int64
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			r := newRecord(i)
			if err := s.Commit(ctx, payment.Change{Record: r}); err != nil {
				failed.Add(1)
				return
			}
			made.Add(1)
			if got, err := s.Get(ctx, r.Ref); err == nil && got.Version != 1 {
				t.Errorf("version %d", got.Version)
			} else if errors.Is(err, payment.ErrNotFound) {
				t.Error("a confirmed change is not there")
			}
		})
	}
	all.Wait()
	if made.Load() == 0 {
		t.Error("nothing went through")
	}
	waitFor(t, "it is ready", func() bool { return s.Ready() == nil })
	t.Logf("40 at once over 3 connections: %d made, %d refused", made.Load(), failed.Load())
}

// Tracks that have expired go, and with them their place under the cap.
func TestOldTracksGo(t *testing.T) {
	s := newLedger(t, WithMaxTracks(20)).open(t)
	for i := range 20 {
		expires := s.Now().Add(time.Hour)
		if i < 15 {
			expires = s.Now().Add(-time.Hour)
		}
		if err := s.PutTrack(ctx, fmt.Sprint(i), payment.Track{ID: "x"}, expires); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.PutTrack(ctx, "more", payment.Track{ID: "x"}, s.Now().Add(time.Hour)); err != nil {
		t.Fatalf("beyond the cap: %v", err)
	}
	if err := s.prune(ctx); err != nil {
		t.Fatal(err)
	}
	for i := range 15 {
		if err := s.PutTrack(ctx, fmt.Sprint("new", i), payment.Track{ID: "x"}, s.Now().Add(time.Hour)); err != nil {
			t.Fatal(i, err)
		}
	}
	if _, err := s.Track(ctx, "17"); err != nil {
		t.Errorf("one that had not expired: %v", err)
	}
}
