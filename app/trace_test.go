package app

import (
	"testing"

	"go.uber.org/zap"
	zaplog "go.uber.org/zap/zaptest/observer"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// A line of the log about a payment names the trace that its event names, by the field that
// Caddy's access log has, too; where nothing is traced there is no such field. Which trace an
// event names: the engine's TestSpans.
func TestTraceID(t *testing.T) {
	for _, id := range []string{"", "4bf92f3577b34da6a3ce929d0e0e4736"} {
		core, lines := zaplog.New(zap.DebugLevel)
		zap.New(core).Info("x", fields(engine.Event{Name: engine.EventVerified, Record: &payment.Record{Ref: "r"}, TraceID: id})...)
		got, there := lines.All()[0].ContextMap()["traceID"]
		if there != (id != "") || there && got != id {
			t.Errorf("the trace %q is logged as %v", id, got)
		}
	}
}

// A payment that waits because of our key is told to people once: as the provider's fault.
func TestOneCauseIsOneLine(t *testing.T) {
	for want, e := range map[string]engine.Event{
		"":               {Name: engine.EventUnknown, Record: &payment.Record{Reason: payment.ReasonOperator}},
		"other":          {Name: engine.EventUnknown, Record: &payment.Record{Reason: payment.ReasonNoAnswer}},
		"operator_fault": {Name: engine.EventOperator},
		"disk_low":       {Name: engine.EventStore, Err: payment.ErrFull},
	} {
		if got := kindOf(e); got != want {
			t.Errorf("%s is told as %q, want %q", e.Name, got, want)
		}
	}
}
