package disk

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/payment"
)

func TestDefaultMinFree(t *testing.T) {
	for total, want := range map[uint64]uint64{64: 16, 512: 128, 1024: 256, 4096: 256, 10_240: 512, 1 << 20: 1024, 1 << 24: 1024} {
		if got := DefaultMinFree(total*mib) / mib; got != want {
			t.Errorf("%d MiB: %d, want %d", total, got, want)
		}
	}
}

// While there is more room than any program can have used up, nothing is measured; near
// the limit, and below it, everything is.
func TestMeasuredWhenItMatters(t *testing.T) {
	const soft = 256 * mib
	for name, c := range map[string]struct {
		free, fastest uint64
		once          bool
	}{
		"much room":                     {100 << 30, Fastest, true},
		"much room, nothing known":      {100 << 30, 0, false},
		"a byte above the limit":        {soft + 1, Fastest, false},
		"at the limit":                  {soft, Fastest, false},
		"below the limit":               {soft - 1, Fastest, false},
		"nothing":                       {0, Fastest, false},
		"a slow disk, and little room":  {soft + mib, mib, true},
		"a quick one, and as much room": {soft + mib, 1 << 62, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			measured := 0
			g := &Guard{opts: Options{Fastest: c.fastest, Log: zap.NewNop, Measure: func(string) (Space, error) {
				measured++
				return Space{Free: c.free, Total: 1 << 40}, nil
			}}, soft: soft, hard: soft / 2, dir: t.TempDir()}
			g.last.Store(time.Now().Add(time.Hour).UnixNano()) // the reserve is somebody else's matter
			for range 3 {
				if err := g.Allow(true); (err == nil) != (c.free >= soft) {
					t.Errorf("%s: allowed: %v", name, err)
				}
				time.Sleep(10 * time.Microsecond)
			}
			if c.once != (measured == 1) {
				t.Errorf("%s: measured %d times", name, measured)
			}
		})
	}
}

// A disk that has filled up meanwhile is noticed when other programs can have done it.
func TestFilledMeanwhile(t *testing.T) { synctest.Test(t, filledMeanwhile) }

func filledMeanwhile(t *testing.T) {
	free := uint64(100 << 30)
	g := &Guard{opts: Options{Fastest: Fastest, Log: zap.NewNop, Measure: func(string) (Space, error) {
		return Space{Free: free, Total: 1 << 40}, nil
	}}, soft: 256 * mib, hard: 128 * mib, dir: t.TempDir()}
	if err := g.Allow(true); err != nil {
		t.Fatal(err)
	}
	free = 0
	time.Sleep(keepEvery)
	if err := g.Allow(true); !errors.Is(err, payment.ErrFull) {
		t.Errorf("allowed: %v", err)
	}
}
