package operate

import (
	"cmp"
	"context"
	"net/url"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/explain"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/payment"
)

// Row is a payment in a list or an export. It is flat, so that it fits a table.
type Row struct {
	Ref         payment.Ref         `json:"ref"`
	Version     uint64              `json:"version"`
	State       payment.State       `json:"state"`
	StateText   string              `json:"state_text"`
	Reason      payment.Reason      `json:"reason,omitempty"`
	Why         string              `json:"why"`
	Money       explain.Money       `json:"money"`
	Site        string              `json:"site"`
	Provider    string              `json:"provider"`
	Environment string              `json:"environment,omitempty"`
	ID          string              `json:"id"`
	Order       string              `json:"order"`
	Item        string              `json:"item,omitempty"`
	Quantity    int                 `json:"quantity,omitempty"`
	Amount      int64               `json:"amount_rials,omitempty"`
	Found       int64               `json:"found_rials,omitempty"`
	Paid        int64               `json:"paid_rials,omitempty"`
	Number      string              `json:"receipt_number,omitempty"`
	Reference   string              `json:"bank_reference,omitempty"`
	Card        string              `json:"card,omitempty"`
	PaidAt      time.Time           `json:"paid_at,omitzero"`
	Deliveries  int                 `json:"deliveries,omitempty"`
	Affiliate   string              `json:"affiliate,omitempty"`
	TrackID     string              `json:"track_id,omitempty"`
	Conversion  payment.ReportState `json:"conversion,omitempty"`
	Owed        int64               `json:"owed_rials,omitempty"`
	// Fee is what the provider's answer says that it takes, FeePayer from whom; Net is
	// what stays with the shop, where both are known or the payer bears it. GivenBack is
	// what went back to the payer.
	Fee       int64  `json:"fee_rials,omitempty"`
	FeePayer  string `json:"fee_payer,omitempty"`
	Net       int64  `json:"net_rials,omitempty"`
	GivenBack int64  `json:"given_back_rials,omitempty"`
	// Decision is a person's last one about the payment.
	Decision  string    `json:"decision,omitempty"`
	DecidedBy string    `json:"decided_by,omitempty"`
	DecidedAt time.Time `json:"decided_at,omitzero"`
	Note      string    `json:"decision_note,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	Due       time.Time `json:"due,omitzero"`
}

// NewRow flattens a record.
func NewRow(e *engine.Engine, r *payment.Record, l lang.Lang) Row {
	x := explain.Of(r, light(e, r), l)
	row := Row{
		Ref: r.Ref, Version: r.Version, State: r.State, StateText: x.State, Reason: r.Reason, Why: x.Why, Money: x.Money,
		Site: r.Site, Provider: r.Provider, Environment: r.Environment, ID: r.ID, Order: r.Order, Item: r.Expect.Item, Quantity: r.Expect.Quantity,
		Amount: int64(r.Price()), Deliveries: r.Delivery.Count,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, Due: r.Earliest(),
	}
	if rc := r.Receipt; rc != nil {
		row.Found, row.Paid = int64(rc.Amount), int64(rc.Paid)
		row.Number, row.Reference, row.Card, row.PaidAt = rc.Number, rc.Reference, explain.Card(rc.Card), rc.PaidAt
	}
	row.Affiliate, row.TrackID, row.Conversion = r.Track.Affiliate, r.Track.ID, r.ConversionState()
	if r.Owed() {
		row.Owed = int64(r.OwedAmount())
	}
	row.account(r)
	return row
}

// account fills in what a bookkeeper asks for.
func (row *Row) account(r *payment.Record) {
	if all := r.Decisions(); len(all) > 0 {
		last := all[len(all)-1]
		row.Decision, row.DecidedBy, row.DecidedAt, row.Note = last.Code, last.By, last.At, last.Text
	}
	for _, f := range r.Refunds {
		if f.State == payment.RefundDone {
			row.GivenBack += int64(f.Amount)
		}
	}
	rc := r.Receipt
	if rc == nil {
		return
	}
	row.Fee, row.FeePayer = int64(rc.Fee), rc.FeePayer
	price := int64(cmp.Or(rc.Amount, r.Price()))
	switch {
	case !r.State.Captured() && !r.Owed():
	case rc.FeePayer == "payer":
		row.Net = price - row.GivenBack
	case rc.FeePayer == "merchant" && rc.Fee > 0:
		row.Net = price - row.Fee - row.GivenBack
	}
}

// View is one payment in full, as far as people may see it: no query of a
// return, no cookie's hash.
type View struct {
	Row
	Route       string              `json:"route,omitempty"`
	Buyer       *Buyer              `json:"buyer,omitempty"`
	Issuer      string              `json:"issuer"`
	Code        string              `json:"code,omitempty"`
	Source      payment.Source      `json:"amount_known_from,omitempty"`
	Checked     string              `json:"amount_checked"`
	Attempts    int                 `json:"attempts"`
	Unanswered  int                 `json:"attempts_unanswered"`
	Refused     int                 `json:"attempts_refused"`
	FirstAsked  time.Time           `json:"first_asked,omitzero"`
	LastAsked   time.Time           `json:"last_asked,omitzero"`
	Returned    *Returned           `json:"return,omitempty"`
	Via         payment.Via         `json:"delivery_via,omitempty"`
	ShopStatus  int                 `json:"shop_status,omitempty"`
	ShopWent    string              `json:"shop_redirect,omitempty"`
	Tries       int                 `json:"conversion_tries,omitempty"`
	LastReport  string              `json:"conversion_last,omitempty"`
	Reports     []Report            `json:"reports,omitempty"`
	Devices     int                 `json:"devices,omitempty"`
	Refunds     []Repaid            `json:"refunds,omitempty"`
	Generation  uint32              `json:"generation"`
	Explanation explain.Explanation `json:"explanation"`
	History     []explain.Step      `json:"history"`
}

// Buyer is what the buyer wrote on the checkout's page.
type Buyer struct {
	Name   string `json:"name,omitempty"`
	Mobile string `json:"mobile,omitempty"`
	Email  string `json:"email,omitempty"`
}

// Returned is the customer's return without its parameters.
type Returned struct {
	Method  string    `json:"method"`
	Host    string    `json:"host"`
	Path    string    `json:"path"`
	Arrived time.Time `json:"arrived,omitzero"`
	Machine bool      `json:"machine,omitempty"`
}

// NewView shows a record.
func NewView(ctx context.Context, e *engine.Engine, r *payment.Record, l lang.Lang) View {
	v := View{
		Row: NewRow(e, r, l), Route: r.Route, Issuer: r.Issuer, Code: r.Code, Source: r.Expect.Source,
		Checked: r.AmountChecked(), Attempts: r.Attempts.Count, Unanswered: r.Attempts.Unknown, Refused: r.Attempts.Refused,
		FirstAsked: r.Attempts.First, LastAsked: r.Attempts.Last, Via: r.Delivery.Via, ShopStatus: r.Delivery.Status,
		ShopWent: pathOf(r.Delivery.Location), Devices: len(r.Devices), Generation: r.Generation,
		Explanation: explain.Of(r, Facts(ctx, e, r), l), History: explain.History(r, l),
	}
	v.Refunds = repaid(r)
	if r.Buyer != (payment.Buyer{}) {
		v.Buyer = &Buyer{r.Buyer.Name, r.Buyer.Mobile, r.Buyer.Email}
	}
	if q := r.Return; q != nil {
		v.Returned = &Returned{q.Method, q.Host, pathOf(q.URI), q.Arrived, q.Machine}
	}
	if p := r.Sale(); p != nil {
		v.Tries, v.LastReport = p.Tries, p.Last
	}
	for _, p := range r.Reports {
		v.Reports = append(v.Reports, NewReport(p))
	}
	return v
}

// Report is what somebody outside is told, or is to be told.
type Report struct {
	To    string              `json:"to"`
	Kind  payment.ReportKind  `json:"kind"`
	State payment.ReportState `json:"state"`
	Tries int                 `json:"tries,omitempty"`
	// Last is the receiver's last answer.
	Last   string    `json:"last,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	Next   time.Time `json:"next,omitzero"`
	SentAt time.Time `json:"sent_at,omitzero"`
}

// NewReport shows a report.
func NewReport(p payment.Report) Report {
	return Report{To: p.To, Kind: p.Kind, State: p.State, Tries: p.Tries, Last: p.Last, Since: p.Since, Next: p.Next, SentAt: p.SentAt}
}

// pathOf is an address without its query, which may hold a key to an order.
func pathOf(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
