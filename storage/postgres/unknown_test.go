package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/postgres/pgtest"
)

var ctx = context.Background()

func newRecord(n int) *payment.Record {
	id := strconv.Itoa(n)
	return &payment.Record{Ref: payment.NewRef("shop", "i", id, id), Site: "shop", Issuer: "i", ID: id, Order: id,
		State: payment.Verifying, CreatedAt: time.Date(2026, 3, 21, 8, 0, n, 0, time.UTC)}
}

// behind opens a ledger through a proxy, and directly as another node.
func behind(t *testing.T) (*pgtest.Proxy, handle, handle) {
	t.Helper()
	l := newLedger(t)
	direct := l.open(t)
	p := pgtest.NewProxy(t, servers.Cluster(t).Port)
	far := l
	far.dsn = servers.Cluster(t).DSNAt(p.Port, "search_path", l.schema)
	far.file = t.TempDir() + "/generation"
	return p, far.open(t), direct
}

// F36: the connection is cut after the change was sent. What became of it is
// read on another connection; it is written once.
func TestUnknownCommit(t *testing.T) {
	p, s, direct := behind(t)
	key := func(n int) payment.Key { return payment.ReceiptKey("i", strconv.Itoa(n)) }
	n := 0
	for name, unsent := range map[string]bool{"the server had it": false, "the server never saw it": true} {
		for _, lazy := range []bool{false, true} {
			n++
			r := newRecord(n)
			k, _ := r.Ref.Bytes()
			for version := range uint64(3) {
				p.Once(pgtest.Cut{Pattern: k[:], Unsent: unsent})
				r.Code = strconv.FormatUint(version, 10)
				if err := s.Commit(ctx, payment.Change{Record: r, Take: []payment.Key{key(n)}, Lazy: lazy}); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				got, err := direct.Get(ctx, r.Ref)
				if err != nil || got.Version != version+1 || got.Code != r.Code || r.Version != version+1 {
					t.Fatalf("%s: %+v, %v", name, got, err)
				}
			}
			if ref, err := direct.Holder(ctx, key(n)); err != nil || ref != r.Ref {
				t.Errorf("%s: the key: %v %v", name, ref, err)
			}
		}
	}
}

// A change that was taken without an answer, and on which another node went on:
// nobody can tell any more, so nobody does. One that lost against another node's
// is told to have lost.
func TestUnknownCommitOvertaken(t *testing.T) {
	p, s, direct := behind(t)
	r := newRecord(1)
	k, _ := r.Ref.Bytes()
	overtake := func(version uint64) func() {
		return func() {
			other := newRecord(1)
			other.Version, other.Code = version, "other"
			if err := direct.Commit(ctx, payment.Change{Record: other}); err != nil {
				t.Errorf("the other node: %v", err)
			}
		}
	}
	p.Once(pgtest.Cut{Pattern: k[:], Then: overtake(1)})
	if err := s.Commit(ctx, payment.Change{Record: r}); !errors.Is(err, ErrUnknownOutcome) || r.Version != 0 {
		t.Errorf("%v, version %d", err, r.Version)
	}
	got, err := s.Get(ctx, r.Ref)
	if err != nil || got.Version != 2 {
		t.Fatal(got, err)
	}
	// The next change never arrives, and another node's does.
	p.Once(pgtest.Cut{Pattern: k[:], Unsent: true})
	overtake(2)()
	if err := s.Commit(ctx, payment.Change{Record: got}); !errors.Is(err, payment.ErrConflict) {
		t.Errorf("%v", err)
	}
}

// A key is another's, and before that is looked up the record has moved on: a
// version that moved on is told first, as of the moment that the answer is of.
func TestTakenAndOvertaken(t *testing.T) {
	p, s, direct := behind(t)
	key := payment.ReceiptKey("i", "1")
	if err := direct.Commit(ctx, payment.Change{Record: newRecord(1), Take: []payment.Key{key}}); err != nil {
		t.Fatal(err)
	}
	p.Once(pgtest.Cut{Pattern: key.Hash(), Skip: 1, Answered: true, Before: func() {
		if err := direct.Commit(ctx, payment.Change{Record: newRecord(2)}); err != nil {
			t.Errorf("the other node: %v", err)
		}
	}})
	if err := s.Commit(ctx, payment.Change{Record: newRecord(2), Take: []payment.Key{key}}); !errors.Is(err, payment.ErrConflict) {
		t.Errorf("%v", err)
	}
}

// Connections are cut at random under load. No change is lost that was
// confirmed, none is made twice, and none is told to have failed that was made.
func TestCutAtRandom(t *testing.T) {
	p, s, direct := behind(t)
	const workers, each = 8, 25
	stop := make(chan struct{})
	var cutter sync.WaitGroup
	const cuts = 5 // of questions that the server had, or nearly
	var unknown, confirmed, met atomic.Int64
	cutter.Go(func() {
		// By progress, not by the clock: on a machine that can't connect as fast as this cuts,
		// nothing would come through.
		for next := int64(0); ; {
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(rand.IntN(3000)) * time.Microsecond):
			}
			if n := confirmed.Load(); n >= next {
				met.Add(int64(p.Break()))
				next = n + int64(rand.IntN(10))
			}
		}
	})
	var all [workers]int
	var busy sync.WaitGroup
	for w := range workers {
		busy.Go(func() {
			r := newRecord(100 + w)
			made := 0
			defer func() { all[w] = made }()
			// On a quick machine cuts may fall between changes: then there are more.
			for made < each || met.Load() < cuts && made < 40*each {
				before := r.Version
				r.Attempts.Count = made + 1
				err := s.Commit(ctx, payment.Change{Record: r, Lazy: made%3 == 0})
				if err == nil {
					made++
					confirmed.Add(1)
					continue
				}
				unknown.Add(1)
				got, err := direct.Get(ctx, r.Ref) // read again, never assumed
				if errors.Is(err, payment.ErrNotFound) {
					continue
				}
				if err != nil {
					t.Errorf("read again after version %d: %v", before, err)
					return
				}
				if got.Version < before || got.Version > before+1 {
					t.Errorf("version %d after %d", got.Version, before)
					return
				}
				r = got
				made = got.Attempts.Count
			}
		})
	}
	busy.Wait()
	close(stop)
	cutter.Wait()
	total := 0
	for w, made := range all {
		total += made
		got, err := direct.Get(ctx, newRecord(100+w).Ref)
		if err != nil || int(got.Version) != made || got.Attempts.Count != made {
			t.Errorf("version %d after %d changes: %v", got.Version, made, err)
		}
	}
	t.Logf("%d changes, %d connections that waited for an answer were cut, %d changes had to be read again", total, met.Load(), unknown.Load())
	if met.Load() < cuts {
		t.Error("nothing was cut")
	}
}

// The database goes away and comes back: errors meanwhile, no restart after.
func TestComesBack(t *testing.T) {
	p, s, _ := behind(t)
	r := newRecord(1)
	if err := s.Commit(ctx, payment.Change{Record: r}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		p.Refuse(true)
		if _, err := s.Get(ctx, r.Ref); !errors.Is(err, ErrUnreachable) {
			t.Fatalf("without a database: %v", err)
		}
		if err := s.Ready(); !errors.Is(err, ErrUnreachable) {
			t.Fatalf("ready without a database: %v", err)
		}
		p.Refuse(false)
		waitFor(t, "it is ready again", func() bool { return s.Ready() == nil })
		if err := s.Commit(ctx, payment.Change{Record: r}); err != nil {
			t.Fatal(err)
		}
		if g, err := s.Generation(ctx); err != nil || g.Seq != 1 {
			t.Fatal(g, err)
		}
	}
}

// waitFor polls with a deadline that only a broken machine meets.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("waited in vain: %s", what)
}
