package wire

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// Reply is an answer, or the reason why there is none.
type Reply struct {
	// Status is the HTTP status, 0 if there was no answer.
	Status int
	// Object is the body, nil if it is not one readable JSON object.
	Object Object
	// Err says why Object is nil. It contains no secret and no text of the answer.
	Err error
	// Unsent: certainly no byte of the request reached the provider.
	Unsent bool
	// RetryAfter is how long the provider asked to wait, at most an hour.
	RetryAfter time.Duration
	// Offset is the provider's clock minus ours. HasOffset says whether it is known. It is
	// exact to half the call's duration and half a second.
	Offset    time.Duration
	HasOffset bool
}

// maxRetryAfter bounds what a provider may ask for.
const maxRetryAfter = time.Hour

// ReadReply reads an answer. It is pure. sent is when the request was sent, and head when the
// answer's header had arrived.
func ReadReply(status int, h http.Header, body []byte, sent, head time.Time) Reply {
	r := Reply{Status: status, RetryAfter: retryAfter(h.Get("Retry-After"), head)}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		middle := sent.Add(head.Sub(sent) / 2)
		r.Offset, r.HasOffset = date.Add(500*time.Millisecond).Sub(middle), true
	}
	switch enc := h.Get("Content-Encoding"); {
	case len(body) > MaxBody:
		r.Err = ErrTooLarge
	case enc != "" && !strings.EqualFold(enc, "identity"):
		r.Err = ErrEncoded
	default:
		r.Object, r.Err = parseBody(status, body)
	}
	return r
}

// parseBody reads the object of an answer whose status may have one. The Content-Type
// decides nothing: PHP scripts send JSON as text/html.
func parseBody(status int, body []byte) (Object, error) {
	if status < 200 || status >= 300 && status < 400 {
		return nil, fmt.Errorf("%w %d", ErrStatus, status)
	}
	return ParseObject(body)
}

func retryAfter(s string, now time.Time) time.Duration {
	var d time.Duration
	if n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 32); err == nil {
		d = time.Duration(n) * time.Second
	} else if t, err := http.ParseTime(s); err == nil {
		d = t.Sub(now)
	}
	return min(max(d, 0), maxRetryAfter)
}

// Spoke reports whether the provider may have decided something: the answer is a JSON object
// with a status of success or of a client's mistake. A 5xx is never a decision, nor is 408,
// 425 or 429.
func (r Reply) Spoke() bool {
	if r.Object == nil {
		return false
	}
	switch r.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return (r.Status >= 200 && r.Status < 300) || (r.Status >= 400 && r.Status < 500)
}

// Answer returns an answer that decides nothing: unknown, or busy for a 429. Providers start
// from it and change what they understand.
func (r Reply) Answer() payment.Answer {
	a := payment.Answer{
		Outcome: payment.OutcomeUnknown, Reason: payment.ReasonBadAnswer, Err: r.Err,
		Unsent: r.Unsent, RetryAfter: r.RetryAfter, Offset: r.Offset, HasOffset: r.HasOffset,
	}
	switch r.Status {
	case 0:
		a.Reason = payment.ReasonNoAnswer
	case http.StatusTooManyRequests:
		a.Outcome, a.Reason = payment.OutcomeBusy, payment.ReasonBusy
	}
	if r.Status != 0 {
		a.Code = "http/" + strconv.Itoa(r.Status)
		if a.Err == nil && !r.Spoke() {
			a.Err = fmt.Errorf("%w %d", ErrStatus, r.Status)
		}
	}
	if a.Err == nil {
		a.Err = ErrAnswer
	}
	a.Unmade = errors.Is(a.Err, ErrRequest)
	return a
}

// Settle returns a with an outcome that was understood.
func Settle(a payment.Answer, o payment.Outcome, why payment.Reason, code string) payment.Answer {
	a.Outcome, a.Reason, a.Code, a.Err = o, why, Code(code), nil
	return a
}

// Accept returns a as a success with its receipt.
func Accept(a payment.Answer, o payment.Outcome, code string, rc *payment.Receipt) payment.Answer {
	a = Settle(a, o, "", code)
	a.Receipt, rc.Again = rc, o == payment.OutcomeAgain
	return a
}

// Unread returns a as an unknown outcome with the provider's code: for answers that
// claim success in a form that we do not know, and for codes that say nothing.
func Unread(a payment.Answer, why payment.Reason, code string, err error) payment.Answer {
	a.Outcome, a.Reason = payment.OutcomeUnknown, why
	if c := Code(code); c != "" {
		a.Code = c
	}
	if a.Err = err; err == nil {
		a.Err = ErrAnswer
	}
	return a
}
