package toy

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// The codes of the toy's document.
const (
	codeOK       = 0
	codeNotPaid  = 2
	codeClosed   = 3
	codeOpen     = 4
	codeWaiting  = 5
	codeTerminal = 9
)

// The parameters of the return.
const (
	paramRef     = "ref"
	paramNumber  = "number"
	paramStatus  = "status"
	paramReceipt = "receipt"
)

func checkRef(s string) bool { return wire.CheckID(s, 8, 64, "") }

// Create implements [payment.Creator]: the browser posts the reference to the pay
// page. The toy is told whole toman and an integer.
func (p *Provider) Create(ctx context.Context, o payment.Order) (payment.Started, error) {
	if err := protocol.CheckAmount(o.Amount); err != nil {
		return payment.Started{}, fmt.Errorf("toy: %w: %w", payment.ErrRefused, err)
	}
	toman, _ := payment.Toman.Of(o.Amount)
	ref, err := started(p.post(ctx, "/start", map[string]any{"number": o.Serial, "amount": toman, "callback": o.Return}))
	if err != nil {
		return payment.Started{}, err
	}
	return payment.Started{ID: ref, PayURL: p.page.URL("/pay"), Form: map[string]string{paramRef: ref, paramNumber: strconv.FormatInt(o.Serial, 10)}}, nil
}

// started reads the answer to a start.
func started(r wire.Reply) (ref string, err error) {
	code, ok := r.Object.Int("code")
	ref = r.Object.Text("ref")
	switch {
	case r.Spoke() && ok && code == codeTerminal:
		return "", fmt.Errorf("toy: %w: %w", payment.ErrRefused, payment.ErrOperator)
	case !r.Spoke() || !ok || code != codeOK || !checkRef(ref):
		return "", fmt.Errorf("toy: start: %w", r.Answer().Err)
	}
	return ref, nil
}

// ReadReturn implements [payment.Provider]. The receipt number and the order's are
// the proof: confirm needs the first, and the second must be the payment's own.
func (p *Provider) ReadReturn(get func(name string) string) (payment.Claimed, error) {
	c := payment.Claimed{ID: get(paramRef)}
	if !checkRef(c.ID) {
		return payment.Claimed{}, wire.Malformed(paramRef)
	}
	number, err := strconv.ParseInt(get(paramNumber), 10, 64)
	if err != nil || number <= 0 || strconv.FormatInt(number, 10) != get(paramNumber) {
		return payment.Claimed{}, wire.Malformed(paramNumber)
	}
	switch get(paramStatus) {
	case "0":
		receipt := get(paramReceipt)
		if !wire.CheckID(receipt, 4, 32, "") {
			return payment.Claimed{}, wire.Malformed(paramReceipt)
		}
		c.Hint, c.Proof = payment.HintPaid, get(paramNumber)+":"+receipt
	case "1":
		c.Hint = payment.HintUnpaid
	default:
		return payment.Claimed{}, wire.Malformed(paramStatus)
	}
	return c, nil
}

// ReadID implements [payment.IDReader].
func (*Provider) ReadID(said string) (string, error) {
	return wire.ReadID(said, wire.Checked(checkRef), "a ref, 8 to 64 letters and digits")
}

// PayPage implements [payment.Provider]: the reference is in a form, in no address.
func (*Provider) PayPage(*url.URL) (string, bool) { return "", false }

// ReturnParams implements [payment.Provider].
func (*Provider) ReturnParams(r *payment.Record) map[string]string {
	params := map[string]string{paramRef: r.ID}
	if r.Serial != 0 {
		params[paramNumber] = strconv.FormatInt(r.Serial, 10)
	}
	if r.Receipt != nil {
		number, receipt, _ := strings.Cut(r.Proof, ":") // the browser's word, until there is a receipt
		params[paramStatus], params[paramReceipt] = "0", cmp.Or(r.Receipt.Number, receipt)
		if r.Serial == 0 && number != "" {
			params[paramNumber] = number
		}
	}
	return params
}

// Verify implements [payment.Provider]: confirm, then settle. Only both make it paid;
// after silence both are made again.
func (p *Provider) Verify(ctx context.Context, q payment.Query) payment.Answer {
	number, receipt, _ := strings.Cut(q.Proof, ":")
	if q.Serial != 0 && number != strconv.FormatInt(q.Serial, 10) {
		// Another payment's return: the document forbids to confirm it.
		return wire.Settle(payment.Answer{Unsent: true}, payment.OutcomeRefused, payment.ReasonUnknownID, "number")
	}
	a := read(p.post(ctx, "/confirm", map[string]any{"ref": q.ID, "receipt": receipt}), receipt)
	if a.Outcome != payment.OutcomePaid {
		return a
	}
	settled := read(p.post(ctx, "/settle", map[string]any{"ref": q.ID}), receipt)
	if settled.Outcome != payment.OutcomePaid {
		settled.Receipt, settled.Unsent = nil, false // confirm was sent
		return wire.Unread(settled, payment.ReasonProcessing, "settle", settled.Err)
	}
	return a
}

// Details implements [payment.Detailer]. The document has one call for both questions.
func (p *Provider) Details(ctx context.Context, q payment.Query, _ payment.Answer) payment.Answer {
	return p.Inquire(ctx, q)
}

// Inquire implements [payment.Inquirer].
func (p *Provider) Inquire(ctx context.Context, q payment.Query) payment.Answer {
	a := read(p.post(ctx, "/look", map[string]any{"ref": q.ID}), "")
	if a.Outcome == payment.OutcomePaid {
		a.Outcome = payment.OutcomeAgain // it was confirmed earlier
	}
	return a
}

// Unverified implements [payment.Lister].
func (p *Provider) Unverified(ctx context.Context) ([]payment.Pending, error) {
	r := p.post(ctx, "/waiting", map[string]any{})
	if code, ok := r.Object.Int("code"); !r.Spoke() || !ok || code != codeOK {
		return nil, fmt.Errorf("toy: waiting: %w", r.Answer().Err)
	}
	var list []payment.Pending
	for _, o := range r.Object.List("payments") {
		amount, err := o.AmountIn("amount", payment.Toman)
		if ref := o.Text("ref"); err == nil && checkRef(ref) {
			list = append(list, payment.Pending{ID: ref, Amount: amount})
		}
	}
	return list, nil
}

// Book implements [payment.Bookkeeper]: what waits is all that the toy's bank lists.
func (p *Provider) Book(ctx context.Context, from, _ time.Time, f func(payment.Booked) error) error {
	list, err := p.Unverified(ctx)
	if err != nil {
		return err
	}
	for _, w := range list {
		if err := f(payment.Booked{ID: w.ID, Amount: w.Amount, State: payment.BookedAwaiting, At: from}); err != nil {
			return err
		}
	}
	return nil
}

// read reads an answer; number is the receipt number that was asked with. It is pure.
func read(r wire.Reply, number string) payment.Answer {
	a := r.Answer()
	code, ok := r.Object.Int("code")
	if !r.Spoke() || !ok || r.Status != http.StatusOK && code != codeTerminal {
		return a
	}
	text := strconv.FormatInt(code, 10)
	switch code {
	case codeNotPaid:
		return wire.Settle(a, payment.OutcomeRefused, payment.ReasonNotPaid, text)
	case codeClosed:
		return wire.Settle(a, payment.OutcomeClosed, payment.ReasonWindowClosed, text)
	case codeOpen:
		return wire.Settle(a, payment.OutcomeOpen, "", text)
	case codeTerminal:
		return wire.Settle(a, payment.OutcomeOperator, payment.ReasonOperator, text)
	case codeOK, codeWaiting:
		amount, err := r.Object.AmountIn("amount", payment.Toman)
		if err != nil || amount == 0 || r.Object.Text("ref") == "" {
			return wire.Unread(a, payment.ReasonUnrecognised, text, err)
		}
		a = wire.Settle(a, payment.OutcomePaid, "", text)
		if code == codeWaiting {
			a = wire.Settle(a, payment.OutcomeAwaiting, "", text)
		}
		a.Receipt = &payment.Receipt{ID: r.Object.Text("ref"), Amount: amount, Number: number, Card: wire.MaskCard(r.Object.Text("card"))}
		return a
	}
	return wire.Unread(a, payment.ReasonBadAnswer, text, nil)
}

func (p *Provider) post(ctx context.Context, path string, body map[string]any) wire.Reply {
	body["terminal"] = p.Key().Reveal()
	return p.PostJSON(ctx, p.API().URL(path), body, nil)
}
