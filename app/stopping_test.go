package app

import (
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// When the process is told to stop the event waits for the pages of shops that run, eight
// seconds at most, so that they still reach their provider through the relay. A reload, and
// a configuration that never began, wait for nothing.
func TestStoppingWaitsForPages(t *testing.T) {
	was := exiting
	t.Cleanup(func() { exiting = was })
	for name, c := range map[string]struct {
		exits, begun bool
		page         time.Duration // 0: the customer gets no page
		waits        time.Duration
	}{
		"no page":                 {true, true, 0, 0},
		"a short page":            {true, true, 3 * time.Second, 3 * time.Second},
		"a page just below":       {true, true, 8*time.Second - time.Millisecond, 8*time.Second - time.Millisecond},
		"a page that hangs":       {true, true, time.Hour, 8 * time.Second},
		"a reload":                {false, true, time.Hour, 0},
		"nothing has begun":       {true, false, time.Hour, 0},
		"a reload without a page": {false, true, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				exiting = func() bool { return c.exits }
				eng, err := engine.New(t.Context(), engine.Config{Store: memory.New(nil)})
				if err != nil {
					t.Fatal(err)
				}
				a := &App{gate: make(chan struct{}), engine: eng, log: zap.NewNop()}
				if c.begun {
					close(a.gate)
				}
				if c.page > 0 {
					over := eng.Page()
					time.AfterFunc(c.page, over)
				}
				begin := time.Now()
				a.stopping()
				if took := time.Since(begin); took != c.waits {
					t.Errorf("it waits %s, not %s", took, c.waits)
				}
			})
		})
	}
}
