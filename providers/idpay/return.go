package idpay

import (
	"strconv"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// The parameters of the return. By GET only the first four are sent.
const (
	paramStatus  = "status"
	paramTrackID = "track_id"
	paramID      = "id"
	paramOrderID = "order_id"
	paramAmount  = "amount"
	paramCard    = "card_no"
	paramHash    = "hashed_card_no"
	paramDate    = "date"
)

// ids are 32 hexadecimal digits in every sample; the document promises no form.
const leastID, mostID = 8, 64

func checkID(s string) bool { return wire.CheckID(s, leastID, mostID, "") }

// ReadReturn implements [payment.Provider]. It wants id, order_id and status,
// as IDPay's own plugin does; track_id and the rest are taken from the answer
// to verify and not looked at here.
func (p *Provider) ReadReturn(get func(name string) string) (payment.Claimed, error) {
	c := payment.Claimed{ID: get(paramID), Order: get(paramOrderID)}
	if !checkID(c.ID) {
		return payment.Claimed{}, wire.Malformed(paramID)
	}
	if !wire.CheckOrder(c.Order) {
		return payment.Claimed{}, wire.Malformed(paramOrderID)
	}
	status := payment.ASCIIDigits(get(paramStatus))
	n, err := strconv.ParseUint(status, 10, 16)
	if err != nil || len(status) > 4 {
		return payment.Claimed{}, wire.Malformed(paramStatus)
	}
	c.Hint, c.Cancelled = hint(int64(n)), n == statusCancelled
	return c, nil
}

// hint reads the status table of the document.
func hint(status int64) payment.Hint {
	switch status {
	case statusWaiting, statusVerified, statusVerifiedBefore, statusSettled:
		return payment.HintPaid
	case statusNotPaid, statusFailed, statusError, statusBlocked, statusReturned, statusReversed, statusCancelled, statusAtBank:
		return payment.HintUnpaid
	}
	return payment.HintNone
}

// paidReturn is the status of a return whose payment waits to be verified.
const paidReturn = "10"

// ReturnParams implements [payment.Provider]. status stays as sent: it was
// checked to claim a payment. What the receipt does not know stays too, but for
// card data: the hash is removed, and so is a card number that is not ours.
func (p *Provider) ReturnParams(r *payment.Record) map[string]string {
	params := map[string]string{paramID: r.ID, paramHash: "", paramCard: ""}
	if r.Order != "" {
		params[paramOrderID] = r.Order
	}
	rc := r.Receipt
	if rc == nil {
		return params
	}
	// A shop's script looks for "paid, waiting to be verified" in a return; one
	// that said otherwise (the customer cancelled, went back and paid) is past.
	params[paramStatus] = paidReturn
	params[paramCard] = rc.Card
	if rc.Order != "" {
		params[paramOrderID] = rc.Order
	}
	if rc.Amount > 0 {
		params[paramAmount] = rc.Amount.String()
	}
	if rc.Number != "" {
		params[paramTrackID] = rc.Number
	}
	if !rc.PaidAt.IsZero() {
		params[paramDate] = strconv.FormatInt(rc.PaidAt.Unix(), 10)
	}
	return params
}

// ReadID implements [payment.IDReader].
func (*Provider) ReadID(said string) (string, error) {
	return wire.ReadID(said, wire.Checked(checkID), "an id, 8 to 64 letters, digits, - and _")
}
