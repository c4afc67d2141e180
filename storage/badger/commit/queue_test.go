package commit

import (
	"context"
	"errors"
	"sync"
	"testing"
)

func set(key, value string) []Write { return []Write{{Key: []byte(key), Value: []byte(value)}} }

// together puts changes into the queue as if they had come while somebody wrote, and
// writes them as one batch.
func together(q *Queue, changes ...*Change) {
	q.turns.mu.Lock()
	for _, c := range changes {
		c.done = make(chan error, 1)
	}
	q.turns.queue, q.turns.taken = changes, true
	q.turns.holders.Add(1)
	q.turns.mu.Unlock()
}

// A caller who is told of a lazy change knows that what it rests on has happened:
// here that the key which it took was given back, by a change of the same batch which
// nobody has been told of yet. So readers of that wait, too. Checking histories found
// it.
func TestWhatALazyChangeRestsOnIsSeen(t *testing.T) {
	t.Parallel()
	hold, held := make(chan struct{}), false
	f := &fake{commit: func(uint64, []*Change) error {
		if held {
			<-hold
		}
		return nil
	}}
	q := f.queue()
	ctx := context.Background()
	for _, key := range []string{"taken", "other"} {
		if err := q.Submit(&Change{Ctx: ctx, Stage: func(Getter) ([]Write, error) { return set(key, "old"), nil }}); err != nil {
			t.Fatal(err)
		}
	}
	give := &Change{Ctx: ctx, Stage: func(Getter) ([]Write, error) { return set("taken", ""), nil }}
	take := &Change{Ctx: ctx, Lazy: true, Stage: func(get Getter) ([]Write, error) {
		if v, err := get([]byte("taken")); err != nil || len(v) > 0 {
			return nil, errTestConflict
		}
		return set("next", "new"), nil
	}}
	held = true
	together(q, give, take)
	go q.write(nil)
	if err := <-take.done; err != nil {
		t.Fatal(err)
	}
	seen := make(chan string, 1)
	go func() {
		_ = q.View(ctx, func(uint64) error { seen <- f.get("taken").value; return nil }, []byte("taken"))
	}()
	if err := q.View(ctx, func(uint64) error { return nil }, []byte("other")); err != nil { // nobody else waits
		t.Error(err)
	}
	select {
	case v := <-seen:
		t.Errorf("a reader of what was given back did not wait, and saw %q", v)
	default:
	}
	close(hold)
	if err := <-give.done; err != nil {
		t.Error(err)
	}
	if v := <-seen; v != "" {
		t.Errorf("what was given back is still read: %q", v)
	}
}

// A caller who loses against a change of the same batch is told when that change is
// settled: before, reading again would show the version that the caller had, and a
// power cut could still take the winner back.
func TestLoserWaitsForTheWinner(t *testing.T) {
	t.Parallel()
	for _, fail := range []bool{false, true} {
		stage := func(get Getter) ([]Write, error) {
			if v, err := get([]byte("one")); err != nil || v != nil {
				return nil, errTestConflict
			}
			return set("one", "1"), nil
		}
		ctx := context.Background()
		first, second := &Change{Ctx: ctx, Stage: stage}, &Change{Ctx: ctx, Stage: stage}
		f := &fake{commit: func(uint64, []*Change) error {
			if second.told {
				t.Error("told before the winner is settled")
			}
			if fail {
				return errTestFailed
			}
			return nil
		}}
		q := f.queue()
		together(q, first, second)
		q.write(nil)
		errFirst, errSecond := <-first.done, <-second.done
		if !fail && (errFirst != nil || !errors.Is(errSecond, errTestConflict)) {
			t.Errorf("%v, %v", errFirst, errSecond)
		}
		if fail && (!errors.Is(errFirst, errTestBroken) || !errors.Is(errSecond, errTestBroken)) {
			t.Errorf("the winner's outcome is unknown, and so is the loser's: %v, %v", errFirst, errSecond)
		}
	}
}

// What doesn't fit into a batch that others have begun to fill waits for the next one:
// by the number of its entries, and by its size.
func TestMoreThanATransactionWaits(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]func(*Config){
		"entries": func(c *Config) { c.MaxEntries = 32 },
		"size":    func(c *Config) { c.MaxSize = 4096 },
	} {
		f := &fake{commit: func(uint64, []*Change) error { return nil }}
		q := f.queue(limit)
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				err := q.Submit(&Change{Ctx: context.Background(), Stage: func(Getter) ([]Write, error) {
					ws := set(string(rune('a'+i)), "")
					for n := range i % 32 {
						ws = append(ws, set(string(rune('a'+i))+string(rune('0'+n)), "")...)
					}
					return ws, nil
				}})
				if err != nil {
					t.Error(err)
				}
			})
		}
		within(t, name, all.Wait)
		within(t, "closing", func() { q.Close() })
		if len(f.wrong) > 0 {
			t.Error(f.wrong)
		}
	}
}

// After a panic of who reads, nothing is read or written any more.
func TestRuined(t *testing.T) {
	t.Parallel()
	var told []bool
	f := &fake{}
	q := f.queue(func(c *Config) { c.Broke = func(_ error, damaged bool) { told = append(told, damaged) } })
	ctx := context.Background()
	err := q.View(ctx, func(uint64) error { panic("a fault") })
	if !errors.Is(err, errTestBroken) || !errors.Is(err, errTestDamaged) {
		t.Errorf("%v", err)
	}
	if err := q.View(ctx, func(uint64) error { return nil }); !errors.Is(err, errTestDamaged) {
		t.Errorf("reading: %v", err)
	}
	if err := q.Submit(&Change{Ctx: ctx}); !errors.Is(err, errTestBroken) {
		t.Errorf("writing: %v", err)
	}
	if len(told) != 1 || !told[0] || q.Ruined() == nil || q.Ready() == nil {
		t.Errorf("told %v, %v, %v", told, q.Ruined(), q.Ready())
	}
}

// What somebody reads is not older than the oldest version, whatever is committed
// meanwhile.
func TestOldest(t *testing.T) {
	t.Parallel()
	f := &fake{}
	q := f.queue()
	ctx := context.Background()
	write := func() {
		t.Helper()
		if err := q.Submit(&Change{Ctx: ctx, Stage: func(Getter) ([]Write, error) { return set("k", "v"), nil }}); err != nil {
			t.Fatal(err)
		}
	}
	write()
	release := q.Hold(q.Last())
	write()
	if err := q.View(ctx, func(version uint64) error {
		write()
		release()
		release()
		if version != 2 || q.Oldest() != 2 {
			t.Errorf("reading at %d, the oldest is %d", version, q.Oldest())
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if q.Oldest() != 3 {
		t.Errorf("the oldest is %d", q.Oldest())
	}
}
