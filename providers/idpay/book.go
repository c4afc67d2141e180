package idpay

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// bookPage is how many payments are asked for at once; an answer of these is far from
// [wire.MaxBody]. bookPages bounds a list that never ends.
const (
	bookPage  = 25
	bookPages = 4000
)

// booking is the body of the list: payments by when they were paid, in unix time, both
// ends inclusive.
type booking struct {
	Paid struct {
		Min int64 `json:"min"`
		Max int64 `json:"max"`
	} `json:"payment_date"`
}

// Book implements [payment.Bookkeeper] (IDPay v1.1, /payment/transactions).
func (p *Provider) Book(ctx context.Context, from, to time.Time, f func(payment.Booked) error) error {
	var q booking
	q.Paid.Min, q.Paid.Max = from.Unix(), to.Add(-time.Nanosecond).Unix()
	for page := range bookPages {
		r := p.postTo(ctx, fmt.Sprintf("%s?page=%d&page_size=%d", p.API().URL("/v1.1/payment/transactions"), page, bookPage), q)
		if r.Status == http.StatusNoContent {
			return nil
		}
		rows, more, err := booked(r, page)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := f(row); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
	}
	return fmt.Errorf("idpay: the list has more than %d payments: choose fewer days", bookPage*bookPages)
}

// booked reads one page. It is pure.
func booked(r wire.Reply, page int) (rows []payment.Booked, more bool, err error) {
	a := r.Answer()
	if r.Spoke() && r.Object.Has("error_code") {
		a = errorAnswer(r, a)
		return nil, false, fmt.Errorf("idpay: the list was refused, code %s", a.Code)
	}
	records := r.Object.List("records")
	if !r.Spoke() || r.Status != http.StatusOK || !r.Object.Has("records") {
		return nil, false, fmt.Errorf("idpay: the list: %w", a.Err)
	}
	for _, o := range records {
		status, ok := o.Int("status")
		rc, err := receipt(o)
		if !ok || err != nil || rc.ID == "" {
			return nil, false, fmt.Errorf("idpay: a line of the list: %w", wire.ErrAnswer)
		}
		rows = append(rows, payment.Booked{
			ID: rc.ID, Order: rc.Order, Number: rc.Number, Reference: rc.Reference, Amount: rc.Amount, State: bookedState(status), At: rc.PaidAt,
		})
	}
	about, _ := r.Object.Object("attachment")
	pages, ok := about.Int("page_count")
	if !ok {
		return rows, len(records) == bookPage, nil
	}
	return rows, int64(page)+1 < pages && len(records) > 0, nil
}

func bookedState(status int64) payment.BookedState {
	switch status {
	case statusVerified, statusVerifiedBefore, statusSettled:
		return payment.BookedPaid
	case statusWaiting:
		return payment.BookedAwaiting
	case statusReturned, statusReversed:
		return payment.BookedReturned
	}
	return payment.BookedUnpaid
}
