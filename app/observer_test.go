package app

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	zaplog "go.uber.org/zap/zaptest/observer"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/pace"
	"github.com/rahgir/caddy-payments/payment"
)

// An outage of the ledger reads differently in each of its phases, and is one alert all the same.
// What is told at the end of a pause says when the last of it was: it may be over by then.
func TestAnOutageOfTheLedgerIsOneAlert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := zaplog.New(zapcore.InfoLevel)
		nobody := new(bus)
		nobody.begun.Store(true)
		o := &observer{log: zap.New(core), meters: processMeters(), events: nobody, alerts: new(pace.Alerts), lines: new(pace.Lines)}
		alerts := func() (found []zaplog.LoggedEntry) {
			for _, e := range logs.TakeAll() {
				if e.Level >= zapcore.WarnLevel {
					found = append(found, e)
				}
			}
			return found
		}
		var last time.Time
		for i := range 30 {
			last = time.Now()
			o.Observe(engine.Event{Name: engine.EventStore, Err: fmt.Errorf("connecting: try %d", i), Alert: true})
			time.Sleep(time.Second)
		}
		if got := alerts(); len(got) != 1 {
			t.Errorf("%d alerts of one outage: %v", len(got), got)
		}
		time.Sleep(pace.Shortest)
		synctest.Wait()
		switch got := alerts(); {
		case len(got) != 1:
			t.Errorf("%d alerts at the end of the pause: %v", len(got), got)
		case got[0].ContextMap()["again"] != int64(29) || got[0].ContextMap()["last"] != last:
			t.Errorf("the end of the pause says %v, want 29 and %v", got[0].ContextMap(), last)
		}
		// A full disk is another cause, with another cure.
		o.Observe(engine.Event{Name: engine.EventStore, Err: errors.New("connecting"), Alert: true})
		alerts()
		o.Observe(engine.Event{Name: engine.EventStore, Err: fmt.Errorf("badger: %w", payment.ErrFull), Alert: true})
		if got := alerts(); len(got) != 1 {
			t.Errorf("a full disk is %d alerts", len(got))
		}
		time.Sleep(4 * pace.Longest)
	})
}
