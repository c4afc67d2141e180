package badger

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/badger/journal"
	"github.com/rahgir/caddy-payments/storage/badger/preflight"
)

// A directory of before there were journals opens, and has one from then on.
func TestJournalBegins(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	s := open(t, dir)
	a, b := pay(t, s, 1), pay(t, s, 2)
	must(t, s.queue.Submit(&change{Ctx: context.Background(), Stage: func(getter) ([]write, error) {
		return []write{{Key: metaJournal, Del: true}}, nil
	}}))
	must(t, s.Close())
	must(t, os.RemoveAll(filepath.Join(dir, journalDir)))
	s = open(t, dir)
	if s.opening.doubt != "" || s.gen.Seq != 1 {
		t.Fatalf("%+v, generation %d", s.opening, s.gen.Seq)
	}
	c := pay(t, s, 3)
	s = reopen(t, s)
	for _, r := range []*payment.Record{a, b, c} {
		must(t, intact(s, r))
	}
	if s.opening.doubt != "" || s.gen.Seq != 1 {
		t.Fatalf("%+v, generation %d", s.opening, s.gen.Seq)
	}
	if found, err := journal.Read(filepath.Join(dir, journalDir), nil); err != nil || !found.Exists || found.Damage != nil {
		t.Errorf("%+v, %v", found, err)
	}
}

// The journal stays short, however much is written, and holds what Badger does
// not have in tables.
func TestJournalStaysShort(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	s := open(t, dir, func(c *config) { c.memTable, c.tick, c.reserve = mib, time.Hour, 0 })
	longest := int64(0)
	for n := range 20 {
		payAll(t, s, n*100, n*100+100)
		var size int64
		segments, err := filepath.Glob(filepath.Join(dir, journalDir, "*.log"))
		must(t, err)
		for _, path := range segments {
			st, err := os.Stat(path)
			must(t, err)
			size += st.Size()
		}
		longest = max(longest, size)
	}
	// Three memtables, of which each holds entries of twice its size in the
	// journal at most, and a segment.
	if longest > 8*mib {
		t.Errorf("the journal grew to %d KiB", longest>>10)
	}
	var last uint64
	must(t, s.queue.View(context.Background(), func(version uint64) error { last = version; return nil }))
	if found, err := journal.Read(filepath.Join(dir, journalDir), nil); err != nil || found.First < 100 || found.First > inTables(s.db) {
		t.Errorf("it begins after %d of %d, %v; in tables is up to %d", found.First, last, err, inTables(s.db))
	}
	t.Logf("%d KiB at most, for %d commits", longest>>10, last)
}

// What the journal refuses is not written at all, and callers are told that the
// store is full; the next change succeeds.
func TestJournalRefuses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	s := open(t, dir, func(c *config) { c.memTable, c.tick, c.reserve = mib, time.Hour, 0 })
	r := pay(t, s, 1)
	// A segment that can't be made, as on a full disk.
	var refused error
	block := func(make bool) {
		for n := range 50 {
			path := filepath.Join(dir, journalDir, "000000"+string(rune('0'+n/10))+string(rune('0'+n%10))+".log")
			if st, err := os.Stat(path); make && errors.Is(err, os.ErrNotExist) {
				must(t, os.Mkdir(path, 0o700))
			} else if err == nil && st.IsDir() && !make {
				must(t, os.Remove(path))
			}
		}
	}
	block(true)
	for n := 2; refused == nil && n < 5000; n++ {
		next := delivered(n)
		next.Return = &payment.Return{Body: make([]byte, 16<<10)}
		refused = s.Commit(context.Background(), payment.Change{Record: next})
		if refused != nil {
			if _, err := s.Get(context.Background(), next.Ref); !errors.Is(err, payment.ErrNotFound) {
				t.Errorf("a change that was refused is there: %v", err)
			}
		}
	}
	if !errors.Is(refused, payment.ErrFull) {
		t.Fatalf("%v", refused)
	}
	block(false)
	must(t, s.Ready())
	must(t, s.Commit(context.Background(), payment.Change{Record: r}))
	s = reopen(t, s)
	must(t, intact(s, r))
	if s.opening.doubt != "" {
		t.Error(s.opening.doubt)
	}
}

// A table that rots under a running store ends its answers: Badger would take
// what is in it for missing.
func TestRotsWhileOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	s := open(t, dir)
	r := pay(t, s, 1)
	s = reopen(t, s)
	s.checkTables(context.Background(), true)
	must(t, s.Ready())
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	must(t, err)
	for _, path := range tables {
		b, err := os.ReadFile(path)
		must(t, err)
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		must(t, err)
		_, err = f.WriteAt([]byte{b[10] ^ 4}, 10)
		must(t, err)
		must(t, f.Close())
	}
	s.checkTables(context.Background(), true)
	if err := s.Ready(); !errors.Is(err, payment.ErrBroken) || !errors.Is(err, ErrDamaged) {
		t.Errorf("Ready: %v", err)
	}
	if _, err := s.Get(context.Background(), r.Ref); !errors.Is(err, payment.ErrBroken) {
		t.Errorf("Get: %v", err)
	}
	must(t, s.Close())
	if _, err := Open(dir); !errors.Is(err, ErrDamaged) {
		t.Errorf("Open: %v", err)
	}
}

// An opening that is cut short after the journal was found wanting does not make
// the next one forget it.
func TestDoubtIsKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	s := open(t, dir)
	r := pay(t, s, 1)
	must(t, s.Close())
	must(t, os.RemoveAll(filepath.Join(dir, journalDir)))
	// As far as a new journal, and no further.
	c := newConfig(nil)
	c.generationFile, c.memTable = dir+".generation", 8*mib
	cut := &Store{cfg: c, dir: dir}
	var err error
	cut.db, err = preflight.Open(badgerOptions(dir, c))
	must(t, err)
	cut.queue = cut.newQueue()
	must(t, cut.openJournal())
	must(t, cut.journal.Close(false, nil))
	must(t, cut.db.Close())
	for round, seq := range []uint32{2, 2} {
		s = open(t, dir)
		if s.gen.Seq != seq || (s.opening.doubt != "") != (round == 0) {
			t.Errorf("opening %d: generation %d, %q", round, s.gen.Seq, s.opening.doubt)
		}
		must(t, intact(s, r))
		must(t, s.Close())
	}
}
