package badger

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/storagetest"
)

// open opens a store that is closed when the test ends.
func open(t testing.TB, dir string, opts ...Option) *Store {
	t.Helper()
	s, err := Open(dir, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// onNewLife is told when a new generation begins, and why.
func onNewLife(f func(why string)) Option { return func(c *config) { c.onNewLife = f } }

func reopen(t testing.TB, s *Store, opts ...Option) *Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, s.dir, opts...)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, storagetest.Harness{
		Open:  func(t *testing.T) payment.Store { return openKillable(t, filepath.Join(t.TempDir(), "ledger")) },
		Crash: func(t *testing.T, s payment.Store) payment.Store { return killed(t, s.(*Store)) },
		Reopen: func(t *testing.T, s payment.Store) payment.Store {
			st := s.(*Store)
			must(t, st.Close())
			return openKillable(t, st.dir)
		},
		Lose: func(t *testing.T, s payment.Store) payment.Store {
			st := s.(*Store)
			if err := st.Close(); err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(st.dir); err != nil {
				t.Fatal(err)
			}
			return open(t, st.dir)
		},
		Snapshot: func(t *testing.T, s payment.Store) func() payment.Store {
			st := s.(*Store)
			file, err := os.Create(filepath.Join(t.TempDir(), "backup"))
			if err != nil {
				t.Fatal(err)
			}
			if err := backup(st, file); err != nil {
				t.Fatal(err)
			}
			return func() payment.Store {
				if err := st.Close(); err != nil {
					t.Fatal(err)
				}
				if err := os.RemoveAll(st.dir); err != nil {
					t.Fatal(err)
				}
				if _, err := file.Seek(0, 0); err != nil {
					t.Fatal(err)
				}
				if err := restore(st.dir, file); err != nil {
					t.Fatal(err)
				}
				return open(t, st.dir)
			}
		},
		Slow: func(t *testing.T, sync time.Duration) payment.Store {
			return open(t, filepath.Join(t.TempDir(), "ledger"), func(c *config) {
				c.commitHook = func(uint64) error { time.Sleep(sync); return nil }
			})
		},
		Stall: func(t *testing.T) (payment.Store, func(), func()) {
			var door sync.RWMutex
			s := open(t, filepath.Join(t.TempDir(), "ledger"), func(c *config) {
				c.commitHook = func(uint64) error { door.RLock(); door.RUnlock(); return nil } //nolint:staticcheck // waiting is all
			})
			return s, door.Lock, sync.OnceFunc(door.Unlock)
		},
		Capped: func(t *testing.T, n int) payment.Store {
			return open(t, filepath.Join(t.TempDir(), "ledger"), WithMaxTracks(n))
		},
	})
}
