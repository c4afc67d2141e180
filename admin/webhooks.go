package admin

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/payment"
)

// Tales is the answer of `GET /payments/webhooks`: messages to webhooks and notifiers,
// by payment.
type Tales struct {
	Payments []operate.Told `json:"payments"`
	Next     string         `json:"next,omitempty"`
}

// Tell is the body of `POST /payments/tell/<ref>`.
type Tell struct {
	// To is the webhook's name; it may be left out where there is one.
	To string `json:"to,omitempty"`
	// Event is a message's type; with it, one that the webhook has taken is sent again.
	Event payment.ReportKind `json:"event,omitempty"`
	By    string             `json:"by,omitempty"`
}

func (c *call) webhooks() error {
	q := c.r.URL.Query()
	return answered(c, func(ctx context.Context, e *engine.Engine) (Tales, error) {
		all, next, err := operate.TellTales(ctx, e, q.Get("state"), q.Get("cursor"))
		return Tales{all, next}, err
	})
}

func (c *call) tell() error {
	var in Tell
	if err := c.body(&in); err != nil {
		return err
	}
	return c.changed(func(ctx context.Context, e *engine.Engine) (operate.Outcome, error) {
		return operate.TellAgain(ctx, e, c.ref, operate.Again{To: in.To, Kind: in.Event, By: in.By, DryRun: c.dryRun})
	})
}

func (c *cli) webhooksCommand() *cobra.Command {
	var again, to, event, state string
	var limit int
	cmd := c.changes(c.leaf("webhooks", "Lists messages to webhooks, or sends them again",
		`
Lists the messages to webhooks and notifiers that were not taken: those that
were given up after three days, or whose receiver answered 410 (gone), and
those that are still tried. --state says which: parked, open, sent, all.

With --again REFERENCE it sends the messages about that payment again that were
given up; with --event one that was taken, too, as a new message.`,
		exactly(0, "no arguments, only flags"), func(*cobra.Command, []string) error {
			switch {
			case again != "":
				return c.change("tell/"+url.PathEscape(again), Tell{To: to, Event: payment.ReportKind(event), By: who()})
			case limit < 1:
				return usage("--limit must be a positive number")
			}
			return c.printTales(state, limit)
		}))
	f := cmd.Flags()
	f.StringVar(&again, "again", "", "The reference of a payment: send its messages again")
	f.StringVar(&to, "to", "", "Only to the webhook of this name")
	f.StringVar(&event, "event", "", "Only the message of this type, even if it was taken")
	f.StringVar(&state, "state", "", "Only messages of this state: parked, open, sent, all")
	f.IntVar(&limit, "limit", 100, "How many payments at most")
	return c.complete(cmd, among(), completers{"state": among(operate.TellStates()...), "event": among(block.Words(payment.Tells())...), "again": c.references})
}

func (c *cli) printTales(state string, limit int) error {
	all := Tales{Payments: []operate.Told{}}
	q := url.Values{}
	if state != "" {
		q.Set("state", state)
	}
	for len(all.Payments) < limit {
		var part Tales
		if err := c.get("webhooks", q, &part); err != nil {
			return err
		}
		all.Payments, all.Next = append(all.Payments, part.Payments...), part.Next
		if part.Next == "" {
			break
		}
		q.Set("cursor", part.Next)
	}
	if !c.table() {
		return c.printJSON(all)
	}
	if len(all.Payments) == 0 {
		fmt.Fprintln(c.out, "there are no such messages: the webhooks have taken every one")
		return nil
	}
	t := c.newTable("WEBHOOK", "MESSAGE", "STATE", "TRIES", "LAST", "SINCE", "ORDER", "REFERENCE")
	for _, p := range all.Payments {
		for _, r := range p.Reports {
			t.row(clean(r.To), string(r.Kind), string(r.State), strconv.Itoa(r.Tries), cmp.Or(clean(r.Last), "-"), lang.Age(time.Since(r.Since), lang.EN), cmp.Or(clean(p.Order), "-"), string(p.Ref))
		}
	}
	return t.flush()
}
