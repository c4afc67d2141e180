package engine_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// tracer keeps spans in memory.
func tracer() (*sdktrace.TracerProvider, *tracetest.InMemoryExporter) {
	kept := tracetest.NewInMemoryExporter()
	return sdktrace.NewTracerProvider(sdktrace.WithSyncer(kept)), kept
}

func attributeOf(s tracetest.SpanStub, key string) string {
	for _, a := range s.Attributes {
		if a.Key == attribute.Key(key) {
			return a.Value.AsString()
		}
	}
	return ""
}

// spansNamed are the spans of one name about a payment.
func spansNamed(all tracetest.SpanStubs, name string, ref payment.Ref) (found []tracetest.SpanStub) {
	for _, s := range all {
		if s.Name == name && attributeOf(s, "payments.ref") == string(ref) {
			found = append(found, s)
		}
	}
	return found
}

// A return that its browser leaves before the hand-over: the provider's call and the
// commits lie in the request's trace; what the worker does afterwards, the hand-over that
// fails and that which succeeds, and the report are traces of their own, linked to it. Each
// has the reference, and so has each event about the payment the trace.
func TestSpans(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &hook{}
		w := newWorld(t, withHook(h), func(w *world) { w.shop.answers = []engine.Handed{{Unsent: true}, {Acked: true, Status: 200}} })
		provider, kept := tracer()
		rec := w.announce()
		if n := len(kept.GetSpans()); n != 0 {
			t.Fatalf("%d spans where nothing is traced", n)
		}
		ctx, request := provider.Tracer("caddy").Start(t.Context(), "request")
		w.Admit(ctx, w.ask())
		request.End()
		time.Sleep(2 * time.Hour)
		w.wantState(rec.Ref, payment.Delivered)
		w.halt()
		spans := kept.GetSpans()
		traceID := request.SpanContext().TraceID()
		for name, least := range map[string]int{engine.SpanVerify: 1, engine.SpanCall: 1, engine.SpanCommit: 4, engine.SpanDeliver: 2, engine.SpanReport: 3} {
			if got := spansNamed(spans, name, rec.Ref); len(got) < least {
				t.Errorf("%d spans %s, want %d", len(got), name, least)
			}
		}
		if s := spansNamed(spans, engine.SpanCall, rec.Ref)[0]; s.SpanContext.TraceID() != traceID || attributeOf(s, "payments.outcome") != "verify paid" || attributeOf(s, "payments.provider") != "idpay" {
			t.Errorf("the provider's call: %+v", s)
		}
		linked := func(s tracetest.SpanStub) bool {
			return s.Parent.IsValid() || slices.ContainsFunc(s.Links, func(l sdktrace.Link) bool { return l.SpanContext.IsValid() })
		}
		deliveries := spansNamed(spans, engine.SpanDeliver, rec.Ref)
		for i, want := range []string{"worker unsent", "worker acked"} {
			s := deliveries[i]
			if attributeOf(s, "payments.outcome") != want || (s.Status.Code == codes.Error) != (i == 0) || !linked(s) {
				t.Errorf("hand-over %d: %+v", i, s)
			}
		}
		for _, s := range spans {
			if s.Name != "request" && s.Name != engine.SpanVerify && !linked(s) {
				t.Errorf("%s belongs to nothing", s.Name)
			}
		}
		w.events.mu.Lock()
		defer w.events.mu.Unlock()
		for _, e := range w.events.list {
			if told := e.Name == engine.EventVerified || e.Name == engine.EventDelivered; told && e.TraceID == "" {
				t.Errorf("%s has no trace", e.Name)
			}
			if e.Name == engine.EventVerified && e.TraceID != traceID.String() {
				t.Errorf("what the request caused names the trace %s, not the request's", e.TraceID)
			}
			if e.TraceID != "" && !slices.ContainsFunc(spans, func(s tracetest.SpanStub) bool {
				return s.SpanContext.TraceID().String() == e.TraceID && attributeOf(s, "payments.ref") == string(rec.Ref)
			}) {
				t.Errorf("%s names a trace that says nothing of the payment", e.Name)
			}
		}
	})
}

// A request that is not sampled leaves no spans, and doesn't make the worker's.
func TestUnsampled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.halt()
		kept := tracetest.NewInMemoryExporter()
		provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(kept), sdktrace.WithSampler(sdktrace.NeverSample()))
		w.announce()
		ctx, request := provider.Tracer("caddy").Start(context.Background(), "request")
		w.Admit(ctx, w.ask())
		request.End()
		time.Sleep(time.Hour)
		if n := len(kept.GetSpans()); n != 0 {
			t.Errorf("%d spans", n)
		}
	})
}
