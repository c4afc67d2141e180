package postback

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/rahgir/caddy-payments/affiliates/message"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// Landing implements [payment.Lander].
func (a *Affiliate) Landing() payment.Landing { return a.landing }

// Cancels implements [payment.Canceler].
func (a *Affiliate) Cancels() bool { return a.cancel != nil }

// Report implements [payment.Reporter].
func (a *Affiliate) Report(ctx context.Context, s payment.Sale) payment.ReportAnswer {
	call := a.report
	if s.Kind == payment.ReportCancel {
		call = a.cancel
	}
	if call == nil {
		return payment.ReportAnswer{Outcome: payment.ReportRejected, Code: "no cancel", Unsent: true}
	}
	if s.Kind == payment.ReportCancel && s.Remembered == "" && call.Needs("remembered") {
		return payment.ReportAnswer{Outcome: payment.ReportRejected, Code: "no id", Unsent: true, Err: errNoID}
	}
	answer := a.read(a.client.Do(ctx, call.Fill(message.SaleValues(s))))
	if s.Kind == payment.ReportCancel {
		answer.Remember = ""
	}
	return answer
}

// errNoID: a cancellation that names nothing cancels nothing, whatever is answered.
var errNoID = errors.New("the network never told its id of the sale, which `cancel` names as {remembered}: look in its panel whether it counted the sale, and cancel it there")

// The statuses of a refusal where the configuration names none.
var (
	rejected     = []int{http.StatusBadRequest, http.StatusUnprocessableEntity}
	unauthorized = []int{http.StatusUnauthorized}
)

// read reads the network's answer. It is pure.
//
// Where success stands in the answer's JSON, a refusal counts only in JSON that does
// not claim success: a firewall on the way may answer with a page. Everything that is
// neither is tried again.
func (a *Affiliate) read(r wire.Reply) payment.ReportAnswer {
	out := payment.ReportAnswer{Outcome: payment.ReportRetry, Unsent: r.Unsent, RetryAfter: r.RetryAfter, Err: r.Answer().Err}
	if r.Status == 0 {
		return out
	}
	out.Code = strconv.Itoa(r.Status)
	in := func(own, known []int) bool { return slices.Contains(orInts(own, known), r.Status) }
	good := in(a.Success.Status, nil)
	if len(a.Success.Status) == 0 {
		good = r.Status >= 200 && r.Status < 300
	}
	says := a.says(r.Object)
	spoke := a.Success.Pointer == "" || r.Object != nil && !says
	switch {
	case good && says:
		out.Outcome, out.Err = payment.ReportAccepted, nil
		if p := cmp.Or(a.Remember, a.known().Remember); p != "" {
			out.Remember, _ = r.Object.At(p)
		}
	case good && a.Success.Pointer == "":
	case spoke && in(a.Unauthorized, unauthorized):
		out.Outcome, out.Err = payment.ReportUnauthorized, nil
	case spoke && in(a.Rejected, rejected):
		out.Outcome, out.Err = payment.ReportRejected, nil
	}
	return out
}

func orInts(own, known []int) []int {
	if len(own) > 0 {
		return own
	}
	return known
}

// says: the answer's JSON says what success says; without such a test every answer
// does. The value's JSON type counts: "true" is not true.
func (a *Affiliate) says(o wire.Object) bool {
	if a.Success.Pointer == "" {
		return true
	}
	text, kind := o.At(a.Success.Pointer)
	want, wantKind := a.Success.Value, "string"
	var v any
	if json.Unmarshal([]byte(a.Success.Value), &v) == nil {
		switch x := v.(type) {
		case bool:
			wantKind = "boolean"
		case float64:
			wantKind = "number"
		case string:
			want = x
		case nil:
			wantKind, want = "null", ""
		}
	}
	return kind == wantKind && text == want
}

// Interface guards
var (
	_ payment.Canceler = (*Affiliate)(nil)
	_ payment.Lander   = (*Affiliate)(nil)
)
