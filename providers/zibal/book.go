package zibal

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// bookPage is how many payments are asked for at once; bookPages bounds a list that
// never ends.
const (
	bookPage  = 50
	bookPages = 2000
)

// report is the body of the platform's list. Its dates are read as days in Tehran: the
// days around are asked for, too, and left out here.
type report struct {
	Merchant string `json:"merchantId"`
	From     string `json:"fromDate"`
	To       string `json:"toDate"`
	Page     int    `json:"page"`
	Size     int    `json:"size"`
}

// Book implements [payment.Bookkeeper] (/v1/gateway/report/transaction of the platform,
// which has a token of its own).
func (p *Provider) Book(ctx context.Context, from, to time.Time, f func(payment.Booked) error) error {
	if p.AccessToken == "" {
		return fmt.Errorf("%w: write access_token, that of Zibal's platform, into the provider's block; or compare with a table by --csv", payment.ErrNoBook)
	}
	header := map[string]string{"Authorization": "Bearer " + p.access.Reveal()}
	q := report{Merchant: p.Key().Reveal(), From: day(from.AddDate(0, 0, -1)), To: day(to.AddDate(0, 0, 1)), Size: bookPage}
	for q.Page = 1; q.Page <= bookPages; q.Page++ {
		rows, total, err := booked(p.PostJSON(ctx, p.platform.URL("/v1/gateway/report/transaction"), q, header))
		if err != nil {
			return err
		}
		for _, row := range rows {
			if !row.At.IsZero() && (row.At.Before(from) || !row.At.Before(to)) {
				continue
			}
			if err := f(row); err != nil {
				return err
			}
		}
		if len(rows) == 0 || int64(q.Page)*bookPage >= total {
			return nil
		}
	}
	return fmt.Errorf("zibal: the list has more than %d payments: choose fewer days", bookPage*bookPages)
}

func day(t time.Time) string { return t.In(wire.Tehran).Format(time.DateOnly) }

// booked reads one page. It is pure.
func booked(r wire.Reply) (rows []payment.Booked, total int64, err error) {
	result, ok := r.Object.Int("result")
	if !r.Spoke() || !ok {
		return nil, 0, fmt.Errorf("zibal: the list: %w", r.Answer().Err)
	}
	records := r.Object.List("data")
	if result != 1 || r.Status != http.StatusOK || !r.Object.Has("data") {
		return nil, 0, fmt.Errorf("zibal: the list was refused, code %d", result)
	}
	for _, o := range records {
		rc, err := receipt(o)
		id := payment.ASCIIDigits(o.Text("trackId"))
		state, ok := o.Int("status")
		if err != nil || !ok || !checkTrackID(id) {
			return nil, 0, fmt.Errorf("zibal: a line of the list: %w", wire.ErrAnswer)
		}
		rows = append(rows, payment.Booked{ID: id, Order: o.Text("orderId"), Reference: rc.Reference, Amount: rc.Amount, State: bookedState(state), At: rc.PaidAt})
	}
	total, _ = r.Object.Int("total")
	return rows, total, nil
}

func bookedState(state int64) payment.BookedState {
	switch state {
	case stateSettled:
		return payment.BookedPaid
	case statePaid:
		return payment.BookedAwaiting
	case stateRefunded, stateRefunding, stateReversed:
		return payment.BookedReturned
	}
	return payment.BookedUnpaid
}

// The states in which the money goes back.
const (
	stateRefunded  = 15
	stateRefunding = 16
	stateReversed  = 18
)
