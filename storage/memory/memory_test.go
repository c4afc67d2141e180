package memory_test

import (
	"testing"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
	"github.com/rahgir/caddy-payments/storage/storagetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	mem := func(t *testing.T, s payment.Store) *memory.Store {
		t.Helper()
		m, ok := s.(*memory.Store)
		if !ok {
			t.Fatalf("%T", s)
		}
		return m
	}
	storagetest.Run(t, storagetest.Harness{
		Open: func(t *testing.T) payment.Store {
			t.Helper()
			s := memory.New(nil)
			t.Cleanup(s.Close)
			return s
		},
		Reopen: func(t *testing.T, s payment.Store) payment.Store { t.Helper(); return mem(t, s).Restart() },
		Crash:  func(t *testing.T, s payment.Store) payment.Store { t.Helper(); return mem(t, s).Restart() },
		Lose:   func(t *testing.T, s payment.Store) payment.Store { t.Helper(); return mem(t, s).Lose() },
		Capped: func(t *testing.T, tracks int) payment.Store {
			t.Helper()
			s := memory.New(nil)
			s.Cap(tracks)
			return s
		},
	})
}
