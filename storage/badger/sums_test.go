package badger

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/dgraph-io/badger/v4/table"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/badger/preflight"
)

// tabled gives a closed ledger with tables that it knows, and what is in it.
func tabled(t *testing.T) (dir string, want []*payment.Record) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "ledger")
	s := open(t, dir)
	want = payAll(t, s, 0, 40)
	s = reopen(t, s)
	want = append(want, payAll(t, s, 40, 60)...)
	s = reopen(t, s)
	must(t, s.Close())
	return dir, want
}

// What is remembered of tables makes an opening fast, and nothing else: without
// it, or with anything else in its place, all is found as it was.
func TestSumsAreOnlyRemembered(t *testing.T) {
	t.Parallel()
	for what, do := range map[string]func(path string, b []byte) error{
		"as it is": func(string, []byte) error { return nil },
		"missing":  func(path string, _ []byte) error { return os.Remove(path) },
		"empty":    func(path string, _ []byte) error { return os.Truncate(path, 0) },
		"cut":      func(path string, b []byte) error { return os.Truncate(path, int64(len(b)/2)) },
		"flipped": func(path string, b []byte) error {
			b[len(b)/2] ^= 1
			return os.WriteFile(path, b, 0o600)
		},
	} {
		t.Run(what, func(t *testing.T) {
			dir, want := tabled(t)
			path := filepath.Join(dir, preflight.SumsFile)
			b, err := os.ReadFile(path)
			must(t, err)
			must(t, do(path, b))
			s := open(t, dir)
			for _, r := range want {
				must(t, intact(s, r))
			}
			sums, err := preflight.ReadSums(dir)
			must(t, err)
			// (Badger may have made one table of two meanwhile.)
			if len(sums) == 0 || !maps.Equal(sums, s.tables.Sums()) {
				t.Errorf("remembered: %v, known: %v", sums, s.tables.Sums())
			}
		})
	}
}

// A table that was one thing and is another, and whole, is unpacked again; one
// that is not whole is found, though it is known.
func TestATableThatIsKnownIsReadAllTheSame(t *testing.T) {
	dir, want := tabled(t)
	s := open(t, dir)
	wrong := maps.Clone(s.tables.Sums())
	for id, sum := range wrong {
		sum.Sum++
		wrong[id] = sum
	}
	must(t, wrong.Write(dir))
	s = reopen(t, s)
	for _, r := range want {
		must(t, intact(s, r))
	}
	s = reopen(t, s)
	must(t, s.Close())
	sums, err := preflight.ReadSums(dir)
	must(t, err)
	for id := range sums {
		path := table.NewFilename(id, dir)
		whole, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a compaction has taken it away since its sum was kept
		}
		must(t, err)
		whole[10] ^= 1
		must(t, os.WriteFile(path, whole, 0o600))
		if _, err := Open(dir); !errors.Is(err, ErrDamaged) {
			t.Errorf("Open with a flipped bit in %s: %v", path, err)
		}
		whole[10] ^= 1
		must(t, os.WriteFile(path, whole, 0o600))
	}
	if len(sums) == 0 {
		t.Error("no table")
	}
	must(t, open(t, dir).Close())
}

// Tables that are written while the store is open are remembered, too, and
// looked at while compactions delete them.
func TestSumsFollowTheTables(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "ledger")
	s := open(t, dir, func(c *config) { c.memTable = mib })
	done := make(chan struct{})
	go func() {
		defer close(done)
		for round := range 6 {
			payAll(t, s, 200*round, 200*round+200)
			s.compact()
		}
	}()
	for checking := true; checking; {
		select {
		case <-done:
			checking = false
		default:
			s.checkTables(context.Background(), true)
		}
	}
	s.checkTables(context.Background(), false)
	must(t, s.Ready())
	sums, err := preflight.ReadSums(dir)
	must(t, err)
	for _, tb := range s.db.Tables() {
		if _, ok := sums[tb.ID]; !ok {
			t.Errorf("the table %d is not remembered", tb.ID)
		}
	}
	if len(sums) == 0 {
		t.Error("no table")
	}
}
