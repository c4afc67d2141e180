package payping

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// The parameters of the return: in the document `data` is a JSON text with all the
// others; PayPing's own sample of 2024 and version 2 have them flat.
const (
	paramStatus      = "status"
	paramStatusUpper = "Status"
	paramError       = "errorCode"
	paramData        = "data"
)

// The flat parameters by what they carry, and the member of `data` (in lower case)
// that carries the same.
var (
	codeNames  = []string{"paymentCode", "PaymentCode", "code"}
	refNames   = []string{"paymentRefId", "PaymentRefId", "refid"}
	orderNames = []string{"clientRefId", "ClientRefId", "clientrefid"}
	cardNames  = []string{"cardNumber", "CardNumber", "cardnumber"}
	hashNames  = []string{"cardHashPan", "CardHashPan", "cardhashpan"}
)

func flat() []string {
	var all []string
	for _, names := range [][]string{codeNames, refNames, orderNames, cardNames, hashNames} {
		all = append(all, names...)
	}
	return all
}

// maxData is far more than PayPing's `data` needs.
const maxData = 4096

// A payment code's form is not documented.
func checkCode(s string) bool { return wire.CheckID(s, 1, 64, "") }

// refID accepts the bank's number in its one form.
func refID(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n > 0 && strconv.FormatInt(n, 10) == s
}

// ReadReturn implements [payment.Provider]. What comes twice must be the same.
func (p *Provider) ReadReturn(get func(name string) string) (payment.Claimed, error) {
	data, err := readData(get(paramData))
	if err != nil {
		return payment.Claimed{}, err
	}
	var c payment.Claimed
	for _, f := range []struct {
		names []string
		check func(string) bool
		to    *string
	}{
		{codeNames, checkCode, &c.ID},
		{refNames, func(s string) bool { _, ok := refID(s); return ok || s == "0" }, &c.Proof},
		{orderNames, func(s string) bool { return !p.comparesOrder() || wire.CheckOrder(s) }, &c.Order},
	} {
		if *f.to, err = one(get, data, f.names, f.check); err != nil {
			return payment.Claimed{}, err
		}
	}
	if c.Proof == "0" { // nothing was paid
		c.Proof = ""
	}
	if !p.comparesOrder() {
		c.Order = ""
	}
	if c.Hint, err = hint(get); err != nil {
		return payment.Claimed{}, err
	}
	c.Cancelled = c.Hint == payment.HintUnpaid // the document has one word for it
	return c, nil
}

// readData reads `data`, with names in lower case; nothing if there is none.
func readData(text string) (wire.Object, error) {
	if text == "" || text == "null" {
		return nil, nil
	}
	o, err := wire.ParseObject([]byte(text))
	if err != nil || len(text) > maxData {
		return nil, wire.Malformed(paramData)
	}
	return lower(o), nil
}

// one returns the value that `data` and the flat parameters agree on; "" if there is
// none.
func one(get func(string) string, data wire.Object, names []string, check func(string) bool) (string, error) {
	value := data.Text(strings.ToLower(names[0]))
	if value != "" && !check(value) {
		return "", wire.Malformed(paramData)
	}
	for _, name := range names {
		switch v := get(name); {
		case v == "":
		case !check(v) || value != "" && v != value:
			return "", wire.Malformed(name)
		default:
			value = v
		}
	}
	return value, nil
}

// hint reads the status: 1 is paid and 0 is not, says the document. −1 is in
// PayPing's own sample and in one plugin, and decides nothing.
func hint(get func(string) string) (payment.Hint, error) {
	status := get(paramStatus)
	if upper := get(paramStatusUpper); status == "" {
		status = upper
	} else if upper != "" && upper != status {
		return payment.HintNone, wire.Malformed(paramStatusUpper)
	}
	switch payment.ASCIIDigits(status) {
	case "1":
		return payment.HintPaid, nil
	case "0":
		return payment.HintUnpaid, nil
	}
	return payment.HintNone, nil
}

// told is the `data` of a return that reaches the shop.
type told struct {
	Order  string `json:"clientRefId,omitempty"`
	Code   string `json:"paymentCode,omitempty"`
	Ref    int64  `json:"paymentRefId,omitempty"`
	Amount int64  `json:"amount,omitempty"`
	Card   string `json:"cardNumber,omitempty"`
}

// ReturnParams implements [payment.Provider]. All forms of a return say the same, and
// what the receipt knows only; `data` is written anew, because the browser's has the
// hashed card in it.
func (p *Provider) ReturnParams(r *payment.Record) map[string]string {
	say := told{Code: r.ID}
	say.Ref, _ = refID(r.Proof) // the browser's word, until there is a receipt
	if p.comparesOrder() {
		say.Order = r.Order
	}
	params := map[string]string{}
	if rc := r.Receipt; rc != nil {
		params[paramStatus] = "1"
		say.Card = rc.Card
		if ref, ok := refID(rc.Number); ok {
			say.Ref = ref
		}
		say.Amount, _ = payment.Toman.Of(rc.Amount)
	}
	ref := ""
	if r.Receipt != nil && say.Ref > 0 {
		ref = strconv.FormatInt(say.Ref, 10)
	}
	b, err := json.Marshal(say)
	if err != nil {
		b = nil // it can't be: texts and numbers
	}
	params[paramData], params[paramStatusUpper] = string(b), params[paramStatus]
	if r.Receipt == nil {
		delete(params, paramStatusUpper)
	}
	for value, names := range map[*string][]string{&say.Code: codeNames, &ref: refNames, &say.Card: cardNames, new(string): hashNames} {
		for _, name := range names {
			params[name] = *value
		}
	}
	if p.comparesOrder() && r.Order != "" {
		for _, name := range orderNames {
			params[name] = r.Order
		}
	}
	return params
}

// ReadID implements [payment.IDReader].
func (*Provider) ReadID(said string) (string, error) {
	return wire.ReadID(said, wire.Checked(checkCode), "a paymentCode, 1 to 64 letters, digits, - and _")
}
