package badger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rahgir/caddy-payments/storage/badger/disk"
)

// killer ends a store between two of a commit's writes, as a kill -9 would that
// hit there.
type killer struct {
	mu     sync.Mutex
	armed  bool
	parked chan struct{}
	dead   chan struct{}
}

var errKilled = errors.New("killed")

// killers are those of the stores that can be killed.
var killers sync.Map

func (k *killer) hook(uint64) error {
	k.mu.Lock()
	armed := k.armed
	k.armed = false
	k.mu.Unlock()
	if armed {
		close(k.parked)
		<-k.dead
		return errKilled
	}
	return nil
}

func openKillable(t testing.TB, dir string, opts ...Option) *Store {
	k := &killer{parked: make(chan struct{}), dead: make(chan struct{})}
	s := open(t, dir, append(opts, func(c *config) { c.commitHook = k.hook })...)
	killers.Store(s, k)
	return s
}

// killed ends a store while others may be working with it, and opens a copy of
// what lies on the disk at that moment.
func killed(t testing.TB, s *Store) *Store {
	t.Helper()
	v, _ := killers.Load(s)
	k, ok := v.(*killer)
	if !ok {
		t.Fatal("this store can't be killed")
	}
	k.mu.Lock()
	k.armed = true
	k.mu.Unlock()
	go func() { // if nobody else commits anything
		_ = s.queue.Submit(&change{Ctx: context.Background(), Internal: true, Stage: func(getter) ([]write, error) {
			return []write{{Key: metaHigh, Value: encodeHigh(s.queue.Next())}}, nil
		}})
	}()
	<-k.parked
	dir := filepath.Join(t.TempDir(), "ledger")
	copyLedger(t, s.dir, dir)
	close(k.dead)
	must(t, s.Close()) // nobody reads from it any more
	return openKillable(t, dir)
}

// copyLedger copies a ledger as it is at one moment: if Badger's files changed
// meanwhile, by a flush or a compaction in the background, it tries again.
func copyLedger(t testing.TB, from, to string) {
	t.Helper()
	for range 100 {
		before := files(t, from)
		err := copyOnce(from, to)
		if err == nil && before == files(t, from) {
			return
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		must(t, os.RemoveAll(to))
	}
	t.Fatal("the ledger never stands still")
}

// files tells which files there are, and what Badger's list of them says.
func files(t testing.TB, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	list, err := os.ReadFile(filepath.Join(dir, "MANIFEST"))
	must(t, err)
	return fmt.Sprint(entries, string(list))
}

// copyOnce copies a directory and the file beside it, but not the reserve.
func copyOnce(from, to string) error {
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil || d.Name() == disk.ReserveFile || d.Name() == "LOCK" {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		return copyFile(path, filepath.Join(to, rel))
	})
	if err != nil {
		return err
	}
	return copyFile(from+".generation", to+".generation")
}

// copyFile leaves out the zeros at the end, which are most of a log, and gives
// the copy its size.
func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	size := int64(len(b))
	b = bytes.TrimRight(b, "\x00")
	if err := os.WriteFile(to, b, 0o600); err != nil {
		return err
	}
	return os.Truncate(to, size)
}
