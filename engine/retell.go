package engine

import (
	"context"
	"fmt"

	"github.com/rahgir/caddy-payments/payment"
)

// Retell sends a message to a webhook once more that it has taken before: its receiver
// may have lost it. It is a new message, with an id of its own.
func (e *Engine) Retell(ctx context.Context, ref payment.Ref, webhook string, kind payment.ReportKind, note payment.Note) (*payment.Record, error) {
	rec, err := e.Store.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	if _, ok := e.Webhooks[webhook]; !ok {
		return rec, fmt.Errorf("%w: no webhook %q is configured", ErrNotPossible, webhook)
	}
	if !rec.Told(webhook, kind) || rec.State == payment.Verifying {
		return rec, fmt.Errorf("%w: %s was not told of %s", ErrNotPossible, webhook, kind)
	}
	rec.Retell(webhook, kind, note, e.now())
	if err := e.commit(ctx, rec, false); err != nil {
		return nil, err
	}
	e.wakeWorker()
	return rec, nil
}
