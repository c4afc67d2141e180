package relay

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

// leaving is a connection whose caller leaves when so many flushes have been made. As
// with net/http, writes and flushes after that fail only once the other side's reset has
// come: here never.
type leaving struct {
	*httptest.ResponseRecorder
	flushes, stays int
	leave          context.CancelFunc
}

func (l *leaving) FlushError() error {
	if l.flushes++; l.flushes > l.stays {
		l.leave()
	}
	return nil
}

// A caller that has left before the last byte goes out can't have the whole answer,
// though every write succeeds; one that leaves once it has the last byte has heard all.
func TestTellLast(t *testing.T) {
	for _, c := range []struct {
		body  string
		stays int // flushes that the caller sees
		whole bool
		heard bool
	}{
		{`{"a":1}`, 0, false, false}, // it leaves when all but the last byte is there
		{"{\"a\":1}\r\n ", 0, false, false},
		{"x", 0, false, false},
		{`{"a":1}`, 1, true, true}, // it leaves with the last byte
		{`{"a":1}`, 2, true, true},
		{"", 0, true, true}, // the header is the whole answer
	} {
		ctx, cancel := context.WithCancel(t.Context())
		w := &leaving{ResponseRecorder: httptest.NewRecorder(), stays: c.stays, leave: cancel}
		r := httptest.NewRequest(http.MethodPost, "/", nil).WithContext(ctx)
		heard := tell(w, r, payment.RelayReply{Status: http.StatusOK, Body: []byte(c.body)})
		if whole := w.Body.String() == c.body; heard != c.heard || whole != c.whole {
			t.Errorf("%q, left after %d flushes: heard %v, whole %v: %q", c.body, c.stays, heard, whole, w.Body)
		}
		cancel()
	}
}
