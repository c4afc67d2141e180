package handlers

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// span starts a span of the request's own tracer; where tracing is off it costs
// next to nothing. Caddy sets no global tracer.
func span(ctx context.Context, name string, v *Verify) (context.Context, func(outcome string, err error)) {
	ctx, s := trace.SpanFromContext(ctx).TracerProvider().Tracer("github.com/rahgir/caddy-payments").Start(ctx, name,
		trace.WithAttributes(attribute.String("payments.provider", v.Provider), attribute.String("payments.route", v.name())))
	return ctx, func(outcome string, err error) {
		s.SetAttributes(attribute.String("payments.outcome", outcome))
		if err != nil {
			s.SetStatus(codes.Error, err.Error())
		}
		s.End()
	}
}
