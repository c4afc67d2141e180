package admin

import (
	"context"
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/payment"
)

// Repay is the body of `POST /payments/refund/<ref>` and `POST /payments/reverse/<ref>`.
type Repay struct {
	// Amount in rials; 0 is all that is left.
	Amount int64 `json:"amount_rials,omitempty"`
	// Was is `done` or `refused`: what became of a refund whose answer was lost.
	Was string `json:"was,omitempty"`
	// By and Note are who and why; a note is required.
	By      string `json:"by,omitempty"`
	Note    string `json:"note,omitempty"`
	Version uint64 `json:"version,omitempty"`
}

func (c *call) refund() error  { return c.repay(payment.KindRefund) }
func (c *call) reverse() error { return c.repay(payment.KindReverse) }

func (c *call) repay(kind payment.RefundKind) error {
	var in Repay
	if err := c.body(&in); err != nil {
		return err
	}
	return c.changed(func(ctx context.Context, e *engine.Engine) (operate.Outcome, error) {
		return operate.GiveBack(ctx, e, c.ref, operate.Repay{
			Kind: kind, Amount: payment.Rials(in.Amount), Was: in.Was, By: in.By, Note: in.Note, Version: in.Version, DryRun: c.dryRun,
		})
	})
}

func (c *cli) refundCommand() *cobra.Command {
	cmd := c.repayCommand(payment.KindRefund, "refund REFERENCE", "Gives back what was paid, all or a part of it",
		`
Asks the provider to give the money back, all that is left or --amount of it.
It is asked once: where its answer is lost, nobody asks again before you have
looked in its panel and said what became of it, with --was done or --was
refused. A payment that went back whole is reversed.`)
	cmd.Flags().String("amount", "", "How much, with its unit: 50000toman or 500000rial; default: all that is left")
	return cmd
}

func (c *cli) reverseCommand() *cobra.Command {
	return c.repayCommand(payment.KindReverse, "reverse REFERENCE", "Undoes a payment whole, shortly after it was made",
		`
Asks the provider to undo the payment, which some take for half an hour after
it was verified. It is asked once: where its answer is lost, look in its panel
and say what became of it, with --was done or --was refused.`)
}

func (c *cli) repayCommand(kind payment.RefundKind, use, short, long string) *cobra.Command {
	cmd := c.changes(c.leaf(use, short, long, exactly(1, "the reference of one payment"), func(cmd *cobra.Command, args []string) error {
		by, note, version := readNote(cmd.Flags())
		was, _ := cmd.Flags().GetString("was")
		in := Repay{Was: was, By: by, Note: note, Version: version}
		// An empty amount is a variable of a script that isn't set, and never "all".
		if cmd.Flags().Changed("amount") {
			text, _ := cmd.Flags().GetString("amount")
			amount, err := payment.ParsePrice(text)
			if err != nil {
				return usage("--amount: %v", err)
			}
			in.Amount = int64(amount)
		}
		if operate.Note(note) == "" {
			return usage("write --note: why the money goes back")
		}
		return c.change(fmt.Sprintf("%s/%s", kind, url.PathEscape(args[0])), in)
	}))
	cmd.Flags().String("was", "", "done or refused: what became of a refund whose answer was lost")
	addNote(cmd.Flags())
	return c.complete(cmd, c.referring, completers{"was": among("done", "refused")})
}
