package invoice

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// Verify implements [payment.Provider] (invoice script, /invoice/check). Its
// answer is always OutcomePaid where it is one: the script can't tell the first
// check from another.
func (s *script) Verify(ctx context.Context, q payment.Query) payment.Answer {
	if !checkKey(q.ID) { // it goes into a path
		return wire.Reply{Err: wire.ErrRequest, Unsent: true}.Answer()
	}
	return checkAnswer(s.post(ctx, s.api.URL("/invoice/check", q.ID), field{"api_key", s.key.Reveal()}), q.ID)
}

// CanCreate implements [payment.Creator].
func (*script) CanCreate() bool { return true }

// Create implements [payment.Creator] (invoice script, /invoice/request). The
// document's "send it urlencoded" about return_url is what a form does anyway.
func (s *script) Create(ctx context.Context, o payment.Order) (payment.Started, error) {
	if err := protocol.CheckAmount(o.Amount); err != nil {
		return payment.Started{}, fmt.Errorf("invoice: %w: %w", payment.ErrRefused, err)
	}
	return s.started(s.post(ctx, s.api.URL("/invoice/request"),
		field{"api_key", s.key.Reveal()}, field{"amount", o.Amount.String()}, field{"return_url", o.Return}))
}

// started reads an answer to request.
func (s *script) started(r wire.Reply) (payment.Started, error) {
	unread := fmt.Errorf("invoice: request: %w", r.Answer().Err)
	if !r.Spoke() {
		return payment.Started{}, unread
	}
	status, ok := r.Object.Int("status")
	if code, isCode := r.Object.Int("errorCode"); ok && status == statusError && isCode && !r.Object.Has("invoice_key") {
		return payment.Started{}, refusal(code)
	}
	key := r.Object.Text("invoice_key")
	if !ok || status != statusOK || r.Status/100 != http.StatusOK/100 || r.Object.Has("errorCode") || !checkKey(key) {
		return payment.Started{}, unread
	}
	return payment.Started{ID: key, PayURL: s.page.URL(key)}, nil
}

// refusal is the error of a request that the script answered with a code.
func refusal(code int64) error {
	switch m := errorCodes[code]; {
	case m.refuses && m.owner:
		return fmt.Errorf("invoice: %w (code %d): %w", payment.ErrRefused, code, payment.ErrOperator)
	case m.refuses:
		return fmt.Errorf("invoice: %w (code %d)", payment.ErrRefused, code)
	}
	return fmt.Errorf("invoice: request: code %d: %w", code, wire.ErrAnswer)
}

// field is one of a form's.
type field struct{ name, value string }

// post sends a form with its fields in the given order, which is the document's.
func (s *script) post(ctx context.Context, address string, fields ...field) wire.Reply {
	var form strings.Builder
	for i, f := range fields {
		if i > 0 {
			form.WriteByte('&')
		}
		form.WriteString(f.name + "=" + url.QueryEscape(f.value))
	}
	return s.client.Do(ctx, wire.Call{URL: address, Type: wire.Form, Body: []byte(form.String())})
}
