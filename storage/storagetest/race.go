package storagetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// nodes returns the handles that a race is run over.
func nodes(t *testing.T, h Harness) []payment.Store {
	s := h.Open(t)
	if h.Join == nil {
		return []payment.Store{s}
	}
	return []payment.Store{s, h.Join(t, s), h.Join(t, s)}
}

const racers = 64

func race(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

// oneWins lets all change one record at the same time: exactly one of them succeeds, and
// what it wrote is seen.
func oneWins(t *testing.T, ss []payment.Store, change func() *payment.Record) {
	t.Helper()
	var won atomic.Int32
	race(racers, func(i int) {
		r := change()
		r.Code = itoa(i)
		err := ss[i%len(ss)].Commit(ctx, payment.Change{Record: r, Lazy: i%2 == 0})
		switch {
		case err == nil:
			won.Add(1)
			if got := get(t, ss[0], r.Ref); got.Code != r.Code {
				t.Errorf("the winner is %s, stored is %s", r.Code, got.Code)
			}
		case !errors.Is(err, payment.ErrConflict):
			t.Error(err)
		}
	})
	if won.Load() != 1 {
		t.Fatalf("%d of %d changes of one version won", won.Load(), racers)
	}
}

func testRaceInsert(t *testing.T, h Harness) {
	ss := nodes(t, h)
	for round := range 10 {
		oneWins(t, ss, func() *payment.Record { return newRecord(round) })
	}
}

func testRaceUpdate(t *testing.T, h Harness) {
	ss := nodes(t, h)
	r := newRecord(1)
	put(t, ss[0], r)
	for range 10 {
		oneWins(t, ss, r.Clone)
		r = get(t, ss[0], r.Ref)
	}
	if r.Version != 11 {
		t.Errorf("version %d after 11 commits", r.Version)
	}
}

func testRaceReceipt(t *testing.T, h Harness) {
	ss := nodes(t, h)
	rs := make([]*payment.Record, racers)
	for i := range rs {
		rs[i] = newRecord(i)
	}
	race(racers, func(i int) { put(t, ss[i%len(ss)], rs[i]) })
	k := payment.ReceiptKey("i", "contested")
	var won atomic.Int32
	var winner atomic.Value
	var losers sync.Map
	race(racers, func(i int) {
		r := rs[i]
		r.State = payment.Verified
		err := ss[i%len(ss)].Commit(ctx, payment.Change{Record: r, Take: []payment.Key{payment.OrderKey("s", "p", itoa(i)), k}, Lazy: i%3 == 0})
		var taken *payment.TakenError
		switch {
		case err == nil:
			won.Add(1)
			winner.Store(r.Ref)
		case errors.As(err, &taken) && taken.Key == k:
			losers.Store(i, taken.Holder)
		default:
			t.Error(err)
		}
	})
	if won.Load() != 1 {
		t.Fatalf("%d records hold one receipt", won.Load())
	}
	losers.Range(func(i, holder any) bool {
		if holder != winner.Load() {
			t.Errorf("a loser was told of %v", holder)
		}
		if got := get(t, ss[0], rs[i.(int)].Ref); got.State != payment.Verifying || got.Version != 1 {
			t.Errorf("a loser was written: %s", got.State)
		}
		if _, err := ss[0].Holder(ctx, payment.OrderKey("s", "p", itoa(i.(int)))); !errors.Is(err, payment.ErrNotFound) {
			t.Errorf("a loser took another key: %v", err)
		}
		return true
	})
}

// Every update is made by reading again after a conflict: none may be lost.
func testRaceCounter(t *testing.T, h Harness) {
	ss := nodes(t, h)
	put(t, ss[0], newRecord(1))
	const each = 5
	race(16, func(i int) {
		s := ss[i%len(ss)]
		for n := 0; n < each; {
			r := get(t, s, newRecord(1).Ref)
			r.Attempts.Count++
			err := s.Commit(ctx, payment.Change{Record: r, Lazy: i%2 == 0})
			if err == nil {
				n++
			} else if !errors.Is(err, payment.ErrConflict) {
				t.Error(err)
				return
			}
		}
	})
	if got := get(t, ss[0], newRecord(1).Ref); got.Attempts.Count != 16*each {
		t.Errorf("%d of %d updates", got.Attempts.Count, 16*each)
	}
}

func testRaceMixed(t *testing.T, h Harness) {
	ss := nodes(t, h)
	race(racers, func(i int) {
		s := ss[i%len(ss)]
		for n := range 5 {
			r := newRecord(i*100 + n)
			r.Due = base.Add(time.Duration(n) * time.Minute)
			put(t, s, r)
			r.State = payment.Declined
			if err := s.Commit(ctx, payment.Change{Record: r, Lazy: true}); err != nil {
				t.Error(err)
			}
			if n%2 == 0 {
				if err := s.Forget(ctx, r.Ref, r.Version); err != nil {
					t.Error(err)
				}
			}
			if _, err := s.List(ctx, payment.Listing{Limit: 10}); err != nil {
				t.Error(err)
			}
			if _, err := s.Due(ctx, base.Add(time.Hour), 10); err != nil {
				t.Error(err)
			}
		}
	})
	if n := len(all(t, ss[0], payment.Listing{})); n != racers*2 {
		t.Errorf("%d left, want %d", n, racers*2)
	}
	if n := len(due(t, ss[0], base.Add(time.Hour), 1000)); n != racers*2 {
		t.Errorf("%d due, want %d", n, racers*2)
	}
}

func testRaceTracks(t *testing.T, h Harness) {
	if h.Capped == nil {
		t.Log("no cap to test")
		return
	}
	const most = 20
	s := h.Capped(t, most)
	race(2000, func(i int) {
		if err := s.PutTrack(ctx, itoa(i), payment.Track{ID: itoa(i)}, s.Now().Add(time.Hour)); err != nil {
			t.Error(err)
		}
	})
	kept := 2000
	for begin := time.Now(); kept != most && time.Since(begin) < crowdPatience; time.Sleep(10 * time.Millisecond) {
		kept = 0
		for i := range 2000 {
			if _, err := s.Track(ctx, itoa(i)); err == nil {
				kept++
			}
		}
	}
	if kept != most {
		t.Errorf("%d tracks kept, the cap is %d", kept, most)
	}
}

func testRaceReserve(t *testing.T, h Harness) {
	ss := nodes(t, h)
	keys := make([]payment.Key, 50)
	for i := range keys {
		keys[i] = payment.ReceiptKey("i", itoa(i))
	}
	var fresh atomic.Int32
	race(16, func(i int) {
		n, err := ss[i%len(ss)].Reserve(ctx, keys)
		if err != nil {
			t.Error(err)
		}
		fresh.Add(int32(n))
	})
	if fresh.Load() != 50 {
		t.Errorf("%d were new in all, want 50", fresh.Load())
	}
}

// A record and its keys come into sight together.
func testRaceSnapshot(t *testing.T, h Harness) {
	ss := nodes(t, h)
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			r := newRecord(i)
			put(t, ss[i%len(ss)], r, payment.ReceiptKey("i", r.ID))
		})
		wg.Go(func() {
			r := newRecord(i)
			ref, err := ss[0].Holder(ctx, payment.ReceiptKey("i", r.ID))
			if err == nil {
				get(t, ss[0], ref)
			} else if !errors.Is(err, payment.ErrNotFound) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
