package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/rahgir/caddy-payments/payment"
)

// The spans. Each has payments.ref, payments.provider and payments.outcome.
const (
	SpanVerify  = "payments.verify"
	SpanCreate  = "payments.create"
	SpanCall    = "payments.call"
	SpanCommit  = "payments.commit"
	SpanDeliver = "payments.deliver"
	SpanReport  = "payments.report"
)

// traces is where spans go. Caddy has no global tracer, and the worker no request: it
// uses the tracer of the newest request that was traced, and links what it does to the
// last span about the same payment.
type traces struct {
	tracer atomic.Pointer[trace.TracerProvider]

	mu    sync.Mutex
	last  map[payment.Ref]trace.SpanContext
	order []payment.Ref
}

// mostTraced bounds the memory for links.
const mostTraced = 10_000

const tracerName = "github.com/rahgir/caddy-payments"

// of is the last span about a payment.
func (t *traces) of(ref payment.Ref) trace.SpanContext {
	if t.tracer.Load() == nil || ref == "" {
		return trace.SpanContext{}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last[ref]
}

func (t *traces) remember(ref payment.Ref, c trace.SpanContext) {
	if ref == "" || !c.IsValid() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == nil {
		t.last = make(map[payment.Ref]trace.SpanContext)
	}
	if _, known := t.last[ref]; !known {
		t.order = append(t.order, ref)
	}
	t.last[ref] = c
	for len(t.order) > mostTraced {
		delete(t.last, t.order[0])
		t.order = t.order[1:]
	}
}

// span begins a span; its end says what came of it. Nothing is spent on it where
// nothing is traced.
//
// Invariant: of one payment each span lies in the trace of the request that caused it,
// or, where none did, is linked to the last span about that payment.
func (e *Engine) span(ctx context.Context, name string, ref payment.Ref) (context.Context, func(r *payment.Record, outcome string, err error)) {
	t := &e.Shared.traces
	parent := trace.SpanFromContext(ctx)
	var options []trace.SpanStartOption
	switch p := t.tracer.Load(); {
	case parent.IsRecording():
		made := parent.TracerProvider()
		t.tracer.Store(&made)
	case parent.SpanContext().IsValid() || p == nil:
		// It was not to be sampled, or nothing is traced.
		return ctx, func(*payment.Record, string, error) {}
	default:
		if before := t.of(ref); before.IsValid() {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: before}))
		}
	}
	ctx, s := (*t.tracer.Load()).Tracer(tracerName).Start(ctx, name, options...)
	t.remember(ref, s.SpanContext())
	return ctx, func(r *payment.Record, outcome string, err error) {
		if r != nil {
			t.remember(r.Ref, s.SpanContext())
			s.SetAttributes(attribute.String("payments.ref", string(r.Ref)), attribute.String("payments.provider", r.Provider))
			if r.Route != "" {
				s.SetAttributes(attribute.String("payments.route", r.Route))
			}
			if r.State != "" {
				s.SetAttributes(attribute.String("payments.state", string(r.State)))
			}
		}
		s.SetAttributes(attribute.String("payments.outcome", outcome))
		if err != nil {
			s.SetStatus(codes.Error, err.Error())
		}
		s.End()
	}
}

// tracedObserver gives each event about a payment the trace that it belongs to.
type tracedObserver struct {
	Observer
	traces *traces
}

// Observe implements Observer.
func (o tracedObserver) Observe(e Event) {
	if e.Record != nil && e.TraceID == "" {
		if c := o.traces.of(e.Record.Ref); c.IsValid() {
			e.TraceID = c.TraceID().String()
		}
	}
	o.Observer.Observe(e)
}

// Committed implements Timer.
func (o tracedObserver) Committed(took time.Duration, synced bool, err error) {
	if t, ok := o.Observer.(Timer); ok {
		t.Committed(took, synced, err)
	}
}

// Interface guards.
var (
	_ Observer = tracedObserver{}
	_ Timer    = tracedObserver{}
)
