package zarinpal

import (
	"cmp"
	"context"
	"fmt"
	"net/http"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// The paths of the calls, without a slash at the end.
const (
	pathRequest    = "/pg/v4/payment/request.json"
	pathVerify     = "/pg/v4/payment/verify.json"
	pathInquiry    = "/pg/v4/payment/inquiry.json"
	pathUnverified = "/pg/v4/payment/unVerified.json"
)

// request is the body of create. currency is sent where it is not the default.
type request struct {
	Merchant    string   `json:"merchant_id"`
	Amount      int64    `json:"amount"`
	Currency    string   `json:"currency,omitempty"`
	Description string   `json:"description"` // it is required
	Callback    string   `json:"callback_url"`
	Metadata    metadata `json:"metadata"`
}

type metadata struct {
	Order  string `json:"order_id"`
	Mobile string `json:"mobile,omitempty"`
	Email  string `json:"email,omitempty"`
}

// verify is the body of verify. It has no currency: the number must be the one that
// the payment was created with.
type verify struct {
	Merchant  string `json:"merchant_id"`
	Amount    int64  `json:"amount"`
	Authority string `json:"authority"`
}

type inquiry struct {
	Merchant  string `json:"merchant_id"`
	Authority string `json:"authority"`
}

type unverified struct {
	Merchant string `json:"merchant_id"`
}

// maxDescription is how many characters `description` may have.
const maxDescription = 500

// Verify implements [payment.Provider].
func (p *Provider) Verify(ctx context.Context, q payment.Query) payment.Answer {
	unit := p.unit()
	if q.Unit != 0 {
		unit = q.Unit // what the shop itself created the payment in
	}
	amount, whole := unit.Of(q.Amount)
	if !whole {
		// Zarinpal can't be told of it, so it took no such payment. A person must see.
		return wire.Settle(payment.Answer{Unsent: true}, payment.OutcomeDoubt, payment.ReasonAmount, "unit")
	}
	return p.verifyAnswer(p.post(ctx, pathVerify, verify{p.Key().Reveal(), amount, q.ID}))
}

// Inquire implements [payment.Inquirer]. The document says never to use it in place
// of verify.
func (p *Provider) Inquire(ctx context.Context, q payment.Query) payment.Answer {
	return p.inquiryAnswer(p.post(ctx, pathInquiry, inquiry{p.Key().Reveal(), q.ID}))
}

// Unverified implements [payment.Lister]. The list has at most 100 payments, of all
// who share the merchant id; in which unit their amounts are it does not say.
func (p *Provider) Unverified(ctx context.Context) ([]payment.Pending, error) {
	r := p.post(ctx, pathUnverified, unverified{p.Key().Reveal()})
	s, ok := open(r)
	switch {
	case ok && s.failed() && s.owners():
		return nil, fmt.Errorf("zarinpal: the list (code %d): %w", s.code, payment.ErrOperator)
	case !ok || s.failed() || s.code != codeDone || r.Status != http.StatusOK:
		return nil, fmt.Errorf("zarinpal: the list: %w", r.Answer().Err)
	}
	var list []payment.Pending
	for _, o := range s.data.List("authorities") {
		if id := o.Text("authority"); checkAuthority(id) {
			list = append(list, payment.Pending{ID: id, Callback: o.Text("callback_url")})
		}
	}
	return list, nil
}

// owners reports whether an error of the list is the owner's to mend.
func (s said) owners() bool {
	return errorCodes[s.code].Outcome == payment.OutcomeOperator || s.code == codeValidation && s.fields()["merchant_id"]
}

// Create implements [payment.Creator].
func (p *Provider) Create(ctx context.Context, o payment.Order) (payment.Started, error) {
	if err := p.Protocol().CheckAmount(o.Amount); err != nil {
		return payment.Started{}, fmt.Errorf("zarinpal: %w: %w", payment.ErrRefused, err)
	}
	amount, _ := p.unit().Of(o.Amount)
	body := request{
		Merchant: p.Key().Reveal(), Amount: amount, Description: cmp.Or(wire.Cut(o.Title, maxDescription), o.Number),
		Callback: o.Return, Metadata: metadata{o.Number, o.Buyer.Mobile, o.Buyer.Email},
	}
	if p.unit() == payment.Toman {
		body.Currency = "IRT"
	}
	return p.started(p.post(ctx, pathRequest, body))
}

// started reads an answer to create.
func (p *Provider) started(r wire.Reply) (payment.Started, error) {
	s, ok := open(r)
	if ok && s.failed() {
		return payment.Started{}, s.unmade()
	}
	id := s.data.Text("authority")
	if !ok || s.code != codeDone || (r.Status != http.StatusOK && r.Status != http.StatusCreated) || !checkAuthority(id) {
		return payment.Started{}, fmt.Errorf("zarinpal: create: %w", r.Answer().Err)
	}
	return payment.Started{ID: id, PayURL: p.PageOf(id)}, nil
}

// unmade returns the error of a create that Zarinpal answered with a code.
func (s said) unmade() error {
	if s.code != codeValidation {
		return errorCodes.Refused("zarinpal", s.code)
	}
	fields := s.fields()
	return wire.Refused("zarinpal", s.text(), fields["merchant_id"] || fields["callback_url"])
}

func (p *Provider) post(ctx context.Context, path string, body any) wire.Reply {
	return p.PostJSON(ctx, p.API().URL(path), body, nil)
}
