package zibal

import (
	"strconv"
	"strings"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// The parameters of the return. Those of the card come in lazy mode only, which is
// a call between servers; a browser that brings them brings its own.
const (
	paramSuccess = "success"
	paramTrackID = "trackId"
	paramOrderID = "orderId"
	paramStatus  = "status"
	paramCard    = "cardNumber"
	paramHash    = "hashedCardNumber"
)

// A return of a paid payment that waits to be verified.
const (
	paidSuccess = "1"
	paidStatus  = "2"
)

// cancelledStatus: cancelled by the user.
const cancelledStatus = "3"

// maxTrackID is how many digits an id may have: it is an integer of 64 bits.
const maxTrackID = 18

// checkTrackID accepts a positive integer, written in one way: the id is one.
func checkTrackID(s string) bool {
	return s != "" && len(s) <= maxTrackID && s[0] != '0' && strings.Trim(s, "0123456789") == ""
}

// ReadReturn implements [payment.Provider]. success and status must agree to be
// believed, even as a hint: where they don't, verify is asked. orderId is not read:
// it is there only if the shop sent one, and whatever that was.
func (*Provider) ReadReturn(get func(name string) string) (payment.Claimed, error) {
	c := payment.Claimed{ID: get(paramTrackID)}
	if !checkTrackID(c.ID) {
		return payment.Claimed{}, wire.Malformed(paramTrackID)
	}
	success, ok := short(get(paramSuccess))
	if !ok {
		return payment.Claimed{}, wire.Malformed(paramSuccess)
	}
	status, ok := short(get(paramStatus))
	if !ok {
		return payment.Claimed{}, wire.Malformed(paramStatus)
	}
	switch {
	case success == "1" && (status == paidStatus || status == "1" || status == ""):
		c.Hint = payment.HintPaid
	case success == "0" && notPaid(status):
		c.Hint, c.Cancelled = payment.HintUnpaid, status == cancelledStatus
	}
	return c, nil
}

// short accepts nothing, and an integer of few digits in ASCII form.
func short(s string) (string, bool) {
	s = payment.ASCIIDigits(s)
	if s == "" {
		return "", true
	}
	n, err := strconv.ParseInt(s, 10, 16)
	return s, err == nil && strconv.FormatInt(n, 10) == s
}

// notPaid reports whether a status of the table is a "not paid" of the bank's page.
func notPaid(status string) bool {
	n, err := strconv.ParseInt(status, 10, 16)
	return err == nil && states[n].Outcome == payment.OutcomeRefused
}

// ReturnParams implements [payment.Provider]. A script looks for success 1 and
// status 2: a return that said otherwise (the customer cancelled, went back and
// paid) is past.
func (*Provider) ReturnParams(r *payment.Record) map[string]string {
	params := map[string]string{paramTrackID: r.ID, paramCard: "", paramHash: ""}
	if r.Order != "" {
		params[paramOrderID] = r.Order
	}
	if r.Receipt != nil {
		params[paramSuccess], params[paramStatus] = paidSuccess, paidStatus
		params[paramCard] = r.Receipt.Card
	}
	return params
}

// ReadID implements [payment.IDReader].
func (*Provider) ReadID(said string) (string, error) {
	return wire.ReadID(said, wire.Checked(checkTrackID), "a trackId, 1 to 18 digits of which the first is not 0")
}
