package operate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/operate/find"
	"github.com/rahgir/caddy-payments/operate/reconcile"
	"github.com/rahgir/caddy-payments/payment"
)

// Comparing is what ledger and list are compared by.
type Comparing struct {
	Provider, Issuer string
	From, To         time.Time
	// List is a list that somebody brought; nil asks the provider.
	List []payment.Booked
}

// Reconciled is the comparison of the ledger with a provider's list.
type Reconciled struct {
	Provider string    `json:"provider"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	// Source is `list`, the provider's own; `inquiries`, where it has none and was asked
	// about each payment; or `table`.
	Source string `json:"source"`
	// Unanswered is how many inquiries had no answer to be believed, and Unasked how many
	// payments were not asked about.
	Unanswered int `json:"unanswered,omitempty"`
	Unasked    int `json:"unasked,omitempty"`
	reconcile.Result
}

const (
	// around is how far beyond the span our payments are looked for: a customer may
	// pay a day after the payment was begun.
	around = 2 * 24 * time.Hour
	// comparedMost bounds how many payments are compared at once.
	comparedMost = 500_000
	// inquiriesMost is how many payments a provider without a list is asked about, and
	// inquiryPause the rest between two, so that it is not crowded.
	inquiriesMost = 300
	inquiryPause  = 250 * time.Millisecond
)

// ParseSpan reads two days, of either calendar, as a span.
func ParseSpan(from, to string, now time.Time) (a, b time.Time, err error) {
	if from == "" {
		return a, b, input("from is missing: write the first day, 2026-03-21 or 1405/01/01")
	}
	if to == "" {
		to = "today"
	}
	if a, err = find.Date(from, now, false); err != nil {
		return a, b, input("from: %v", err)
	}
	if b, err = find.Date(to, now, true); err != nil {
		return a, b, input("to: %v", err)
	}
	if !a.Before(b) {
		return a, b, input("to is before from")
	}
	return a, b, nil
}

// Reconcile compares the payments of a provider with its own list, or with a table. It
// changes nothing.
func Reconcile(ctx context.Context, e *engine.Engine, q Comparing) (Reconciled, error) {
	out := Reconciled{Provider: q.Provider, From: q.From, To: q.To}
	mine := func(r *payment.Record) bool { return r.Provider == q.Provider || r.Issuer == q.Issuer }
	var ours []*payment.Record
	whole, err := each(ctx, e, payment.Listing{From: q.From.Add(-around), To: q.To.Add(around)}, comparedMost, func(r *payment.Record) {
		if mine(r) {
			ours = append(ours, r)
		}
	})
	if err != nil {
		return out, err
	}
	if !whole {
		return out, input("there are more than %d payments in these days: choose fewer", comparedMost)
	}
	span := reconcile.Span{From: q.From, To: q.To}
	out.Source = "table"
	list := slices.DeleteFunc(slices.Clone(q.List), func(b payment.Booked) bool { return !b.At.IsZero() && !span.Has(b.At) })
	if q.List == nil {
		if list, err = out.ask(ctx, e, q, ours, span); err != nil {
			return out, err
		}
	}
	if err := known(ctx, e, list, &ours, mine); err != nil {
		return out, err
	}
	out.Result = reconcile.Compare(ours, list, span, out.Source != "inquiries")
	return out, nil
}

// booked reads the provider's own list, which has most payments at most.
func booked(ctx context.Context, b payment.Bookkeeper, q Comparing, most int) (list []payment.Booked, err error) {
	err = b.Book(ctx, q.From, q.To, func(b payment.Booked) error {
		if list = append(list, b); len(list) > most {
			return input("the provider's list has more than %d payments: choose fewer days", most)
		}
		return nil
	})
	return list, err
}

// ask asks the provider: for its list, or, where it has none, about each payment that the
// ledger has as paid.
func (out *Reconciled) ask(ctx context.Context, e *engine.Engine, q Comparing, ours []*payment.Record, span reconcile.Span) (list []payment.Booked, err error) {
	p, ok := e.Providers[q.Provider]
	if !ok {
		return nil, input("provider %.40q is not configured", q.Provider)
	}
	if b, ok := p.Provider.(payment.Bookkeeper); ok {
		out.Source = "list"
		list, err := booked(ctx, b, q, comparedMost)
		if errors.Is(err, payment.ErrNoBook) {
			return nil, notPossible("%s", err.Error())
		}
		return list, err
	}
	asker, ok := p.Provider.(payment.Inquirer)
	if !ok {
		return nil, notPossible("%s has no list of payments that can be asked, and no inquiry: save a table from its panel and compare with --csv", q.Provider)
	}
	out.Source = "inquiries"
	return out.inquire(ctx, p, asker, ours, span)
}

func (out *Reconciled) inquire(ctx context.Context, p engine.Provider, asker payment.Inquirer, ours []*payment.Record, span reconcile.Span) (list []payment.Booked, err error) {
	asked := 0
	for _, r := range ours {
		if !r.State.Captured() || !span.Has(reconcile.PaidAt(r)) || r.ID == "" {
			continue
		}
		if asked == inquiriesMost {
			out.Unasked++
			continue
		}
		if asked++; asked > 1 {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(inquiryPause):
			}
		}
		a := asker.Inquire(ctx, r.Query())
		state, known := bookedBy(a.Outcome)
		if !known {
			out.Unanswered++
			continue
		}
		b := payment.Booked{ID: r.ID, State: state}
		if a.Receipt != nil {
			b.Amount, b.At = a.Receipt.Amount, a.Receipt.PaidAt
		}
		list = append(list, b)
	}
	lister, ok := p.Provider.(payment.Lister)
	if !ok {
		return list, nil
	}
	waiting, err := lister.Unverified(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking for what is paid and unverified: %w", err)
	}
	for _, w := range waiting {
		if !slices.ContainsFunc(list, func(b payment.Booked) bool { return b.ID == w.ID }) {
			list = append(list, payment.Booked{ID: w.ID, Amount: w.Amount, State: payment.BookedAwaiting})
		}
	}
	return list, nil
}

// bookedBy is what an answer to an inquiry says; known is false where it says nothing.
func bookedBy(o payment.Outcome) (s payment.BookedState, known bool) {
	switch o {
	case payment.OutcomePaid, payment.OutcomeAgain:
		return payment.BookedPaid, true
	case payment.OutcomeAwaiting:
		return payment.BookedAwaiting, true
	case payment.OutcomeClosed:
		return payment.BookedReturned, true
	case payment.OutcomeRefused, payment.OutcomeOpen:
		return payment.BookedUnpaid, true
	}
	return "", false
}

// known adds the payments of a list that the ledger knows and that were begun long before.
func known(ctx context.Context, e *engine.Engine, list []payment.Booked, ours *[]*payment.Record, mine func(*payment.Record) bool) error {
	have := make(map[payment.Term]bool)
	refs := make(map[payment.Ref]bool)
	note := func(r *payment.Record) {
		refs[r.Ref] = true
		for _, t := range r.Terms() {
			have[t] = true
		}
	}
	for _, r := range *ours {
		note(r)
	}
	for _, b := range list {
		var terms []payment.Term
		for _, t := range []payment.Term{payment.NewTerm(payment.FieldID, b.ID), payment.NewTerm(payment.FieldNumber, b.Number)} {
			if t.Value != "" {
				terms = append(terms, t)
			}
		}
		if b.ID == "" && b.Number == "" && b.Order != "" {
			terms = append(terms, payment.NewTerm(payment.FieldOrder, b.Order))
		}
		if len(terms) == 0 || slices.ContainsFunc(terms, func(t payment.Term) bool { return have[t] }) {
			continue
		}
		page, err := List(ctx, e, payment.Listing{Search: terms, Limit: 10})
		if err != nil {
			return err
		}
		for _, r := range page.Records {
			if mine(r) && !refs[r.Ref] {
				*ours = append(*ours, r)
				note(r)
			}
		}
	}
	return nil
}
