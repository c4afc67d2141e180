package badger

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/badger/commit"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

var errRefusedRecord = errors.New("test: the journal refused")

// refusesRecords makes a ledger's journal refuse batches while the flag is set.
func refusesRecords(t *testing.T, s *Store) *atomic.Bool {
	t.Helper()
	var refuse atomic.Bool
	onWriter(t, s, func() {
		record := s.queue.Record
		s.queue.Record = func(version uint64, batch []*commit.Change) error {
			if refuse.Load() {
				return errRefusedRecord
			}
			return record(version, batch)
		}
	})
	return &refuse
}

// onWriter runs f where nothing is written meanwhile.
func onWriter(t testing.TB, s *Store, f func()) {
	t.Helper()
	must(t, s.queue.Submit(&change{Ctx: context.Background(), Internal: true, Stage: func(getter) ([]write, error) { f(); return nil, nil }}))
}

// agrees reports what recent says otherwise than the ledger.
func agrees(t testing.TB, s *Store) (wrong []string) {
	t.Helper()
	onWriter(t, s, func() {
		wrong = nil
		txn := s.db.NewTransactionAt(s.queue.Last(), false)
		defer txn.Discard()
		b, err := getCopy(txn, metaBoundary)
		if err != nil {
			wrong = append(wrong, err.Error())
		}
		for _, half := range []map[refKey]*listed{s.recent.newer, s.recent.older} {
			for k, l := range half {
				ref := payment.RefOf(k[:])
				e, err := loadEntry(txn, ref, k)
				if err != nil {
					wrong = append(wrong, string(ref)+": "+err.Error())
					continue
				}
				if !sameEntry(e, l.Entry) {
					wrong = append(wrong, string(ref)+": another entry")
				}
				if is := list(e, nil, decodeHigh(b)).marks; !slices.Equal(is, l.at(decodeHigh(b)).marks) {
					wrong = append(wrong, string(ref)+": listed elsewhere")
				}
			}
		}
		for key, v := range s.recent.meta {
			is, err := getCopy(txn, []byte(key))
			if err != nil || !bytes.Equal(is, v) || (is == nil) != (v == nil) {
				wrong = append(wrong, key)
			}
		}
	})
	return wrong
}

func sameEntry(a, b *packed.Entry) bool {
	one, err1 := packed.Body(a.Rec, a.Rec.Version)
	other, err2 := packed.Body(b.Rec, b.Rec.Version)
	return err1 == nil && err2 == nil && bytes.Equal(one, other) && a.Money == b.Money && a.Receipt == b.Receipt && reflect.DeepEqual(a.Intents, b.Intents)
}

// What the writer keeps is what the ledger says, whatever was written, refused, forgotten
// or moved into a sieve, alone or many in one batch.
func TestRecentIsWhatTheLedgerSays(t *testing.T) {
	t.Parallel()
	var clock theClock
	clock.at.Store(time.Date(2026, 3, 21, 8, 0, 0, 0, time.UTC).UnixNano())
	s := open(t, filepath.Join(t.TempDir(), "ledger"), withSieves(3, clock.now))
	refuse := refusesRecords(t, s)
	ctx := context.Background()
	made, kept, worlds := 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		if worlds++; worlds > 20 {
			return // each step waits for the disk
		}
		var all []*payment.Record
		commitAll := func(cs []payment.Change, fails bool) {
			refuse.Store(fails)
			defer refuse.Store(false)
			var wait sync.WaitGroup
			for _, c := range cs {
				wait.Go(func() {
					err := s.Commit(ctx, c)
					if fails != (err != nil) && !errors.Is(err, payment.ErrConflict) {
						rt.Errorf("refused: %v, told %v", fails, err)
					}
				})
			}
			wait.Wait()
		}
		rt.Repeat(map[string]func(*rapid.T){
			"": func(rt *rapid.T) {
				if wrong := agrees(t, s); len(wrong) > 0 {
					rt.Fatal(wrong)
				}
				kept = max(kept, len(s.recent.newer))
			},
			"create": func(rt *rapid.T) {
				r := &payment.Record{Site: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "site"), Provider: "idpay", Issuer: "i", ID: strconv.Itoa(made), Order: "o" + strconv.Itoa(made),
					State: payment.Verifying, CreatedAt: clock.now(), Due: clock.now().Add(time.Minute)}
				r.Ref = payment.NewRef(r.Site, "i", r.ID, r.Order)
				made++
				commitAll([]payment.Change{{Record: r}}, rapid.IntRange(0, 3).Draw(rt, "luck") == 0)
				if r.Version > 0 {
					all = append(all, r)
				}
			},
			"change": func(rt *rapid.T) {
				fails := rapid.IntRange(0, 3).Draw(rt, "luck") == 0
				var cs []payment.Change
				for _, r := range all {
					if rapid.Bool().Draw(rt, "this") {
						continue
					}
					next := r.Clone()
					next.Due = rapid.SampledFrom([]time.Time{{}, clock.now(), clock.now().Add(time.Hour)}).Draw(rt, "due")
					next.Receipt = &payment.Receipt{ID: r.ID, Reference: strconv.Itoa(rapid.IntRange(0, 2).Draw(rt, "reference"))}
					if rapid.IntRange(0, 9).Draw(rt, "large") == 0 {
						next.Return = &payment.Return{Body: make([]byte, recentSize)}
					}
					c := payment.Change{Record: next, Lazy: rapid.Bool().Draw(rt, "lazy")}
					if rapid.Bool().Draw(rt, "takes") {
						c.Take = []payment.Key{payment.ReceiptKey(r.Issuer, r.ID), payment.IntentKey(r.Issuer, r.ID)}
					}
					cs = append(cs, c)
					if rapid.IntRange(0, 3).Draw(rt, "twice") == 0 {
						again := next.Clone() // one of the two wins
						again.Code = "100"
						cs = append(cs, payment.Change{Record: again})
					}
				}
				commitAll(cs, fails)
				for i, r := range all {
					now, err := s.Get(ctx, r.Ref)
					if err != nil {
						rt.Fatal(err)
					}
					all[i] = now
				}
			},
			"forget": func(rt *rapid.T) {
				i := slices.IndexFunc(all, func(r *payment.Record) bool { return r.Receipt == nil })
				if i < 0 {
					return
				}
				r := all[i]
				r.State = payment.Expired
				commitAll([]payment.Change{{Record: r}}, false)
				if err := s.Forget(ctx, r.Ref, r.Version); err != nil {
					rt.Fatal(err)
				}
				all = slices.Delete(all, i, i+1)
			},
			"sieve": func(rt *rapid.T) {
				clock.wait(time.Hour)
				if err := s.sieveAll(ctx); err != nil {
					rt.Fatal(err)
				}
			},
		})
	})
	if kept == 0 {
		t.Error("nothing was kept, ever")
	}
}

// What is kept has a bound, in number and in size.
func TestRecentIsBounded(t *testing.T) {
	var r recent
	at := func(n int) (k refKey) { k[0], k[1] = byte(n), byte(n>>8); return k }
	due := &listed{Entry: &packed.Entry{Rec: &payment.Record{Due: time.Unix(1, 0)}}}
	for n := range 10 * recentMost {
		r.settled(at(n), due, recentSize)
		if r.entry(at(n)) == nil || len(r.newer)+len(r.older) > 2*recentMost {
			t.Fatalf("after %d: %d and %d", n, len(r.newer), len(r.older))
		}
	}
	if r.entry(at(9*recentMost)) == nil || r.entry(at(7*recentMost)) != nil {
		t.Error("the oldest are dropped first")
	}
	last := at(10*recentMost - 1)
	r.forget(recordKey(last))
	if r.entry(last) != nil {
		t.Error("it is kept, and about to be written")
	}
	for name, l := range map[string]*listed{"not due": {Entry: &packed.Entry{Rec: &payment.Record{}}}, "large": due} {
		size := recentSize
		if name == "large" {
			size++
		}
		if r.settled(last, l, size); r.entry(last) != nil {
			t.Error(name)
		}
	}
	for n := range 10 * metaMost {
		r.read([]byte{tableMeta, byte(n), byte(n >> 8)}, nil)
		if len(r.meta) > metaMost {
			t.Fatal(len(r.meta))
		}
	}
}

// A value of tableMeta that a batch has written, and read again, is not kept: the batch
// may fail.
func TestMetaOfAFailedBatch(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "ledger"))
	key := []byte{tableMeta, '?', 'x'}
	get := func(tx *tx, want string) {
		t.Helper()
		if v, err := tx.Get(key); err != nil || string(v) != want {
			t.Errorf("%q, %v; want %q", v, err, want)
		}
	}
	onWriter(t, s, func() {
		for range 2 {
			tx := &tx{Txn: s.db.NewTransactionAt(s.queue.Last(), true), recent: &s.recent}
			get(tx, "")
			if err := tx.Apply([]write{{Key: key, Value: []byte("never committed")}}); err != nil {
				t.Error(err)
			}
			get(tx, "never committed")
			tx.Discard()
		}
	})
}

// A payment that is committed and forgotten in one batch is not kept.
func TestForgottenInItsBatch(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "ledger"))
	forgotten := 0
	for round := range 20 {
		var wait sync.WaitGroup
		errs := make([]error, 64)
		for i := range errs {
			r := &payment.Record{Site: "a", Provider: "p", Issuer: "i", ID: strconv.Itoa(round) + "-" + strconv.Itoa(i), State: payment.Expired, Due: time.Now().Add(time.Hour)}
			r.Ref = payment.NewRef(r.Site, r.Issuer, r.ID, "")
			wait.Go(func() {
				if err := s.Commit(t.Context(), payment.Change{Record: r.Clone()}); err != nil {
					t.Error(err)
				}
			})
			wait.Go(func() { errs[i] = s.Forget(t.Context(), r.Ref, 1) })
		}
		wait.Wait()
		for _, err := range errs {
			if err == nil {
				forgotten++
			}
		}
		if wrong := agrees(t, s); len(wrong) > 0 {
			t.Fatal(wrong)
		}
	}
	if forgotten == 0 {
		t.Error("nothing was forgotten")
	}
}
