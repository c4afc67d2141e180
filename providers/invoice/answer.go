package invoice

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// The two values of `status`.
const (
	statusError = 0
	statusOK    = 1
)

// checkAnswer reads an answer to check (invoice script, /invoice/check). key is
// the invoice that was asked about. It is pure.
func checkAnswer(r wire.Reply, key string) payment.Answer {
	a := r.Answer()
	if !r.Spoke() {
		return a
	}
	status, ok := r.Object.Int("status")
	switch {
	case ok && status == statusOK && r.Status == http.StatusOK && !r.Object.Has("errorCode"):
		return paid(r.Object, a, key)
	case ok && status == statusError:
		return refused(r.Object, a)
	}
	return a
}

// paid reads a success. The amount is what the shop is credited by: without it
// there is no success that we know.
func paid(o wire.Object, a payment.Answer, key string) payment.Answer {
	amount, err := o.Amount("amount")
	if err == nil && amount == 0 {
		err = wire.ErrAnswer
	}
	if err != nil {
		return wire.Unread(a, payment.ReasonUnrecognised, strconv.Itoa(statusOK), err)
	}
	return wire.Accept(a, payment.OutcomePaid, strconv.Itoa(statusOK), &payment.Receipt{
		Amount:    amount,
		Reference: wire.Reference(o.Text("bank_code")),
		Number:    foldedKey(key),
	})
}

// foldedKey returns the key as databases that ignore case compare it. The answer
// does not repeat the key, so "Ab1" and "aB1" may be one invoice to the script:
// as the receipt's number the folded key makes sure that it is credited once.
func foldedKey(key string) string { return strings.ToLower(key) }

// refused reads `{"status":0,"errorCode":…}`. The HTTP status that goes with it
// is not documented, so any that the script may speak under will do.
func refused(o wire.Object, a payment.Answer) payment.Answer {
	code, ok := o.Int("errorCode")
	if !ok || o.Has("amount") {
		return a
	}
	return errorCodes.Answer(a, code, strconv.FormatInt(code, 10))
}
