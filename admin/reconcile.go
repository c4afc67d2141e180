package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/operate/reconcile"
	"github.com/rahgir/caddy-payments/payment"
)

// maxTable bounds the table of a comparison, as JSON.
const maxTable = 64 << 20

// Reconcile is the body of `POST /payments/reconcile`.
type Reconcile struct {
	Provider string `json:"provider"`
	// From and To are days of either calendar, both included.
	From string `json:"from"`
	To   string `json:"to,omitempty"`
	// List is a list to compare with; without it the provider is asked.
	List []payment.Booked `json:"list"`
}

func (c *call) reconcile() error {
	var in Reconcile
	if err := c.body(&in); err != nil {
		return err
	}
	issuer, err := c.issuer(in.Provider)
	if err != nil {
		return err
	}
	from, to, err := operate.ParseSpan(in.From, in.To, time.Now())
	if err != nil {
		return err
	}
	return answered(c, func(ctx context.Context, e *engine.Engine) (operate.Reconciled, error) {
		return operate.Reconcile(ctx, e, operate.Comparing{Provider: in.Provider, Issuer: issuer, From: from, To: to, List: in.List})
	})
}

func (c *cli) reconcileCommand() *cobra.Command {
	cmd := c.reads(c.leaf("reconcile PROVIDER", "Compares the ledger with a provider's own list, and names each difference",
		`
Compares the payments of a provider with its own list, from --from to --to, days
of either calendar in Tehran. IDPay is asked for its list, Zibal for that of its
platform (access_token); other providers have none that can be asked, so they are
asked about each payment that the ledger has as paid, up to 300, and what they
have that the ledger doesn't know is found by a table from their panel alone.

With --csv a table is compared; - is standard input. Its first line names the
columns: id, order, number (receipt), reference (bank's), amount, state, date; or
say which column is which: --columns id=Authority,amount=مبلغ. The unit of amounts
must be known: amount_rials or amount_toman, or --unit. Digits may be Persian, and
commas group them. A state means paid where --paid names it; without a state
column every line is paid.

Nothing is changed. The status is 0 where both agree and 1 where they don't, or
where not everything could be compared.`,
		exactly(1, "a provider's name"), c.reconcile))
	f := cmd.Flags()
	f.String("from", "", "The first day: 2026-03-21, 1405/01/01, yesterday or 30d")
	f.String("to", "today", "The last day, which is included")
	f.String("csv", "", "Compare with this table instead of asking the provider")
	f.String("columns", "", "Which column of the table is which: id=Authority,amount=Price")
	f.String("unit", "", "The unit of the table's amounts: rial or toman")
	f.String("paid", "", "The table's words for paid, with commas between them")
	return c.complete(cmd, c.importing, completers{"unit": among("rial", "toman")})
}

func (c *cli) reconcile(cmd *cobra.Command, args []string) error {
	text := func(name string) string { s, _ := cmd.Flags().GetString(name); return s }
	if text("from") == "" {
		return usage("--from is missing: the first day, such as 1405/01/01 or 30d")
	}
	in := Reconcile{Provider: args[0], From: text("from"), To: text("to")}
	if name := text("csv"); name != "" {
		list, err := c.readBook(name, bookOptions{columns: text("columns"), unit: text("unit"), paid: text("paid")})
		if err != nil {
			return err
		}
		in.List = list
	} else if text("columns")+text("unit")+text("paid") != "" {
		return usage("--columns, --unit and --paid go with --csv")
	}
	var out operate.Reconciled
	if err := c.post("reconcile", in, &out); err != nil {
		return err
	}
	var err error
	if len(out.Differences) > 0 {
		err = &failure{exitFailed, fmt.Errorf("%d differences", len(out.Differences))}
	} else if out.Unanswered+out.Unasked > 0 {
		err = &failure{exitFailed, errors.New("not everything could be compared")}
	}
	if !c.table() {
		return cmp.Or(c.printJSON(out), err)
	}
	return cmp.Or(c.printReconciled(out), err)
}

func (c *cli) printReconciled(out operate.Reconciled) error {
	t := newTabs(c.out)
	fmt.Fprintf(t, "ledger\t%d paid\t%s\n", out.Ours, lang.Toman(out.OursRials, c.language()))
	fmt.Fprintf(t, "%s (%s)\t%d paid\t%s\n", clean(out.Provider), out.Source, out.Theirs, lang.Toman(out.TheirsRials, c.language()))
	fmt.Fprintf(t, "agree\t%d\t\n", out.Agree)
	if err := t.Flush(); err != nil {
		return err
	}
	if out.Unanswered > 0 {
		fmt.Fprintf(c.out, "! %d inquiries had no answer to be believed: compare again later\n", out.Unanswered)
	}
	if out.Unasked > 0 {
		fmt.Fprintf(c.out, "! %d payments were not asked about: choose fewer days, or compare with a table (--csv)\n", out.Unasked)
	}
	last := reconcile.Kind("")
	for _, kind := range reconcile.Kinds() {
		for _, d := range out.Differences {
			if d.Kind != kind {
				continue
			}
			if last != kind {
				fmt.Fprintf(c.out, "\n%s: %s\n", kind, d.Text)
				last = kind
			}
			line := fmt.Sprintf("  %s  id %s  order %s", cmp.Or(string(d.Ref), "-"), cmp.Or(clean(d.ID), "-"), cmp.Or(clean(d.Order), "-"))
			if d.Ours != 0 || d.Ref != "" {
				line += fmt.Sprintf("  ours %s %s", d.Ours.Grouped(), d.OurState)
			}
			if d.TheirState != "" {
				line += fmt.Sprintf("  theirs %s %s", d.Theirs.Grouped(), d.TheirState)
			}
			if d.Line > 0 {
				line += fmt.Sprintf("  line %d", d.Line)
			}
			fmt.Fprintln(c.out, line+" rial")
		}
	}
	return nil
}
