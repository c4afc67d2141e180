package hamekar

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// param is what the network's links carry.
const param = "track_id"

// report is the body, in the document's order. status is always 1: the
// document says that 0 is always answered with an error.
type report struct {
	TrackID string `json:"track_id"`
	Status  int    `json:"status"`
}

// Landing implements [payment.Lander].
func (a *Affiliate) Landing() payment.Landing { return payment.Landing{Param: param} }

// Report implements [payment.Reporter] (Hamekar, POST /customer/callback).
func (a *Affiliate) Report(ctx context.Context, s payment.Sale) payment.ReportAnswer {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(report{s.Track.ID, 1}); err != nil {
		return payment.ReportAnswer{Err: wire.ErrRequest, Unsent: true}
	}
	return answer(a.client.Do(ctx, wire.Call{
		URL: a.api.URL("/customer/callback"), Type: wire.JSON, Body: bytes.TrimRight(body.Bytes(), "\n"),
		Header: map[string]string{"x-store-token": a.token.Reveal()},
	}))
}

// answer reads the network's answer. It is pure.
//
// The document's success is 202 with `"success": true`. Another 2xx that says
// so just as plainly is believed too: whether a second report counts twice is
// not documented, and a commission paid twice can't be taken back. 422 and 401
// count only where they speak JSON and don't claim success, because a firewall
// on the way may answer with a page. Everything else is tried again.
func answer(r wire.Reply) payment.ReportAnswer {
	a := payment.ReportAnswer{Outcome: payment.ReportRetry, Unsent: r.Unsent, RetryAfter: r.RetryAfter, Err: r.Answer().Err}
	if r.Status != 0 {
		a.Code = strconv.Itoa(r.Status)
	}
	if r.Object == nil {
		return a
	}
	success := r.Object.True("success")
	switch {
	case success && r.Status >= 200 && r.Status < 300:
		a.Outcome, a.Err = payment.ReportAccepted, nil
	case !success && r.Status == http.StatusUnprocessableEntity:
		a.Outcome, a.Err = payment.ReportRejected, nil
	case !success && r.Status == http.StatusUnauthorized:
		a.Outcome, a.Err = payment.ReportUnauthorized, nil
	}
	return a
}
