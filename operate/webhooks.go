package operate

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// Told is a payment with messages to webhooks.
type Told struct {
	Ref     payment.Ref   `json:"ref"`
	Order   string        `json:"order"`
	State   payment.State `json:"state"`
	Reports []Report      `json:"webhooks"`
}

// tellStates are what `state` of the messages' list may be. Those that were taken stand
// in the payments' histories.
var tellStates = map[string][]payment.ReportState{
	"":       {payment.ParkedReport, payment.OpenReport},
	"parked": {payment.ParkedReport},
	"open":   {payment.OpenReport},
	"sent":   {payment.SentReport},
	"all":    {payment.ParkedReport, payment.OpenReport, payment.SentReport},
}

// TellStates are the words of `state` of [TellTales].
func TellStates() []string { return []string{"parked", "open", "sent", "all"} }

// TellTales lists payments with their messages to webhooks and notifiers, newest first:
// those that were given up and those that are still tried, or those of one state. A page
// may be empty and yet go on.
func TellTales(ctx context.Context, e *engine.Engine, state, cursor string) ([]Told, string, error) {
	states, ok := tellStates[state]
	if !ok {
		return nil, "", input("there is no state %.40q of messages; they are %s", state, strings.Join(TellStates(), ", "))
	}
	at := 0
	if head, rest, ok := strings.Cut(cursor, "."); ok {
		n, err := strconv.Atoi(head)
		if err != nil || n < 0 || n >= len(states) {
			return nil, "", input("the cursor is not one of this listing")
		}
		at, cursor = n, rest
	} else if cursor != "" {
		return nil, "", input("the cursor is not one of this listing")
	}
	q := payment.Listing{Webhook: states[at], Cursor: cursor, Limit: 100}
	if states[at] == payment.SentReport {
		q.Webhook, q.Limit = "", 1000
	}
	page, err := List(ctx, e, q)
	if err != nil {
		return nil, "", err
	}
	all := make([]Told, 0, len(page.Records))
	for _, r := range page.Records {
		t := Told{Ref: r.Ref, Order: r.Order, State: r.State, Reports: tales(r, states[at])}
		if len(t.Reports) > 0 {
			all = append(all, t)
		}
	}
	switch {
	case page.Next != "":
		return all, fmt.Sprintf("%d.%s", at, page.Next), nil
	case at+1 < len(states):
		return all, fmt.Sprintf("%d.", at+1), nil
	}
	return all, "", nil
}

// tales are a payment's messages of one state.
func tales(r *payment.Record, state payment.ReportState) (all []Report) {
	if state == payment.SentReport {
		for _, e := range r.History {
			if e.Kind == payment.EntryTold {
				all = append(all, Report{To: e.By, Kind: payment.ReportKind(e.Code), State: payment.SentReport, SentAt: e.At, Since: e.At})
			}
		}
		return all
	}
	for _, p := range r.Reports {
		if !p.Kind.Conversion() && p.State == state {
			all = append(all, NewReport(p))
		}
	}
	return all
}

// Again is a wish to send messages about a payment again.
type Again struct {
	// To is the webhook; it may be empty where there is one that was not told.
	To string
	// Kind is the message's type; with it, one that was taken is sent again, too.
	// Without it all that the webhook has not taken are.
	Kind   payment.ReportKind
	By     string
	DryRun bool
}

// TellAgain sends a payment's messages again.
func TellAgain(ctx context.Context, e *engine.Engine, ref string, a Again) (Outcome, error) {
	if a.Kind != "" && !slices.Contains(payment.Tells(), a.Kind) {
		return Outcome{}, input("there is no message %.40q; they are %v", a.Kind, payment.Tells())
	}
	rec, err := Get(ctx, e, ref)
	if err != nil {
		return Outcome{}, err
	}
	to, err := a.receiver(rec)
	if err != nil {
		return Outcome{Record: rec}, err
	}
	out := Outcome{Record: rec, Would: fmt.Sprintf("Sends the messages about this payment to %s again.", to)}
	if a.DryRun {
		return out, nil
	}
	again, note := e.Resend, payment.Note{By: oneLine(a.By)}
	if p := rec.Report(to, a.Kind); a.Kind != "" && (p == nil || !p.State.Failed()) {
		again = func(ctx context.Context, ref payment.Ref, to string, n payment.Note) (*payment.Record, error) {
			return e.Retell(ctx, ref, to, a.Kind, n)
		}
	}
	after, err := again(context.WithoutCancel(ctx), rec.Ref, to, note)
	if err != nil {
		return out, translate(err)
	}
	out.Done, out.Record = true, after
	return out, nil
}

// receiver is whom the wish is about.
func (a Again) receiver(rec *payment.Record) (string, error) {
	var names []string
	add := func(to string) {
		if (a.To == "" || to == a.To) && !slices.Contains(names, to) {
			names = append(names, to)
		}
	}
	for _, p := range rec.Reports {
		if !p.Kind.Conversion() && p.State.Failed() && (a.Kind == "" || p.Kind == a.Kind) {
			add(p.To)
		}
	}
	if a.Kind != "" {
		for _, p := range tales(rec, payment.SentReport) {
			if p.Kind == a.Kind {
				add(p.To)
			}
		}
	}
	switch {
	case len(names) == 0 && a.Kind != "":
		return "", notPossible("no webhook was told of %s of this payment", a.Kind)
	case len(names) == 0:
		return "", notPossible("no webhook has given up on a message about this payment; to send one again that was taken, say which with --event")
	case len(names) > 1:
		return "", input("several webhooks have not been told; say which: %v", names)
	}
	return names[0], nil
}
