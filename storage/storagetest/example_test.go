package storagetest_test

import (
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
	"github.com/rahgir/caddy-payments/storage/storagetest"
)

// A store's test file says how it is opened; what can't be done to it is left out, and
// the suite leaves out the tests that need it.
func ExampleRun() {
	_ = func(t *testing.T) { // func TestConformance(t *testing.T)
		storagetest.Run(t, storagetest.Harness{
			Open:   func(*testing.T) payment.Store { return memory.New(time.Now) },
			Reopen: func(_ *testing.T, s payment.Store) payment.Store { return s.(*memory.Store).Restart() },
		})
	}
}
