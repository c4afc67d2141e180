package operate

import (
	"context"
	"fmt"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// Told is a payment with the messages that webhooks have not taken.
type Told struct {
	Ref     payment.Ref   `json:"ref"`
	Order   string        `json:"order"`
	State   payment.State `json:"state"`
	Reports []Report      `json:"webhooks"`
}

// TellTales lists the payments whose messages to webhooks were given up, newest
// first.
func TellTales(ctx context.Context, e *engine.Engine, cursor string) ([]Told, string, error) {
	page, err := List(ctx, e, payment.Listing{Webhook: payment.ParkedReport, Cursor: cursor})
	if err != nil {
		return nil, "", err
	}
	all := make([]Told, 0, len(page.Records))
	for _, r := range page.Records {
		t := Told{Ref: r.Ref, Order: r.Order, State: r.State}
		for _, p := range r.Reports {
			if !p.Kind.Conversion() {
				t.Reports = append(t.Reports, NewReport(p))
			}
		}
		all = append(all, t)
	}
	return all, page.Next, nil
}

// TellAgain sends a payment's messages again that a webhook has not taken; to may be
// empty if there is one such webhook.
func TellAgain(ctx context.Context, e *engine.Engine, ref, to string, by string, dryRun bool) (Outcome, error) {
	rec, err := Get(ctx, e, ref)
	if err != nil {
		return Outcome{}, err
	}
	var names []string
	for _, p := range rec.Reports {
		if p.Kind.Conversion() || !p.State.Failed() || to != "" && p.To != to {
			continue
		}
		if len(names) == 0 || names[len(names)-1] != p.To {
			names = append(names, p.To)
		}
	}
	switch {
	case len(names) == 0:
		return Outcome{Record: rec}, notPossible("no webhook has given up on a message about this payment")
	case len(names) > 1:
		return Outcome{Record: rec}, input("several webhooks have not been told; say which: %v", names)
	}
	out := Outcome{Record: rec, Would: fmt.Sprintf("Sends the messages about this payment to %s again.", names[0])}
	if dryRun {
		return out, nil
	}
	after, err := e.Resend(context.WithoutCancel(ctx), rec.Ref, names[0], payment.Note{By: oneLine(by)})
	if err != nil {
		return out, translate(err)
	}
	out.Done, out.Record = true, after
	return out, nil
}
