package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/operate/find"
)

// Erase is the body of `POST /payments/erase`.
type Erase struct {
	// Refs are payments; or Before is a day, of either calendar, before which they were
	// begun; or Mobile is a buyer's number.
	Refs   []string `json:"refs,omitempty"`
	Before string   `json:"before,omitempty"`
	Mobile string   `json:"mobile,omitempty"`
	By     string   `json:"by,omitempty"`
	Note   string   `json:"note"`
}

func (c *call) erase() error {
	var in Erase
	if err := c.body(&in); err != nil {
		return err
	}
	q := operate.Erasing{Refs: in.Refs, Mobile: in.Mobile, By: in.By, Note: in.Note, DryRun: c.dryRun}
	if in.Before != "" {
		var err error
		if q.Before, err = find.Date(in.Before, time.Now(), false); err != nil {
			return badInput("before: %v", err)
		}
	}
	return answered(c, func(ctx context.Context, e *engine.Engine) (operate.Erasures, error) { return operate.Erase(ctx, e, q) })
}

func (c *cli) eraseCommand() *cobra.Command {
	cmd := c.changes(c.leaf("erase [REFERENCE...]", "Takes out of finished payments what is known of their payers",
		`
Takes out of payments what they know of their payers: the masked card, what the
buyer wrote, the address and browser of their return with its parameters, the affiliate's visit, the browsers
that opened what was paid. Order, ids, amounts, numbers and history stay: books need
them, and no receipt pays twice. Who and why goes into the history; --note is
needed.

Name payments, or with --before a day: all that were begun before it, such as
--before 365d from a timer; or with --mobile a buyer's number. What still waits for something is left alone and
counted. A person's payments are found with "list --search". Backups keep what they
have.`,
		func(*cobra.Command, []string) error { return nil }, c.erase))
	cmd.Flags().String("before", "", "All payments that were begun before this day: 365d, 1404/01/01, 2026-03-21")
	cmd.Flags().String("mobile", "", "All payments of the buyer with this mobile number")
	cmd.Flags().String("by", who(), "Who decides; kept with the payment")
	cmd.Flags().String("note", "", "Why; kept with the payment. Needed")
	return c.complete(cmd, among(), nil)
}

func (c *cli) erase(cmd *cobra.Command, args []string) error {
	in := Erase{Refs: args}
	in.Before, _ = cmd.Flags().GetString("before")
	in.Mobile, _ = cmd.Flags().GetString("mobile")
	in.By, _ = cmd.Flags().GetString("by")
	in.Note, _ = cmd.Flags().GetString("note")
	var out operate.Erasures
	if err := c.post("erase", in, &out); err != nil {
		return err
	}
	if !c.table() {
		return c.printJSON(out)
	}
	verb := "erased"
	if !out.Done {
		verb = "would be erased"
	}
	fmt.Fprintf(c.out, "%d payments: %s; %d knew nothing of their payers; %d still wait for something and were left alone\n", out.Erased, verb, out.Already, out.Open)
	for _, ref := range out.OpenRefs {
		fmt.Fprintln(c.out, "  "+string(ref))
	}
	return nil
}
