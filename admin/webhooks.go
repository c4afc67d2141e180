package admin

import (
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
)

// Untold is the answer of `GET /payments/webhooks`: the messages that webhooks have
// not taken in three days.
type Untold struct {
	Payments []operate.Told `json:"payments"`
	Next     string         `json:"next,omitempty"`
}

// Tell is the body of `POST /payments/tell/<ref>`.
type Tell struct {
	// To is the webhook's name; it may be left out where there is one.
	To string `json:"to,omitempty"`
	By string `json:"by,omitempty"`
}

func (c *call) webhooks() error {
	e, err := c.engine()
	if err != nil {
		return err
	}
	all, next, err := operate.TellTales(c.r.Context(), e, c.r.URL.Query().Get("cursor"))
	if err != nil {
		return err
	}
	return c.answer(Untold{all, next})
}

func (c *call) tell() error {
	var in Tell
	if err := c.body(&in); err != nil {
		return err
	}
	e, err := c.engine()
	if err != nil {
		return err
	}
	out, err := operate.TellAgain(c.r.Context(), e, c.ref, in.To, in.By, c.dryRun)
	if err != nil {
		return err
	}
	return c.answer(Changed{Done: out.Done, Would: out.Would, Payment: operate.NewView(c.r.Context(), e, out.Record, c.lang)})
}

func (c *cli) webhooksCommand() *cobra.Command {
	var again, to string
	cmd := c.changes(c.leaf("webhooks", "Lists the messages that webhooks have not taken, or sends them again",
		`
Lists the payments of which a webhook was told for three days without taking
the message, or whose receiver answered 410 (gone).

With --again REFERENCE it sends the messages about that payment again.`,
		exactly(0, "no arguments, only flags"), func(*cobra.Command, []string) error {
			if again != "" {
				return c.change("tell/"+url.PathEscape(again), Tell{To: to, By: who()})
			}
			return c.printUntold()
		}))
	cmd.Flags().StringVar(&again, "again", "", "The reference of a payment: send its messages again")
	cmd.Flags().StringVar(&to, "to", "", "Only to the webhook of this name")
	return c.complete(cmd, among(), nil)
}

func (c *cli) printUntold() error {
	var all Untold
	q := url.Values{}
	for {
		var part Untold
		if err := c.get("webhooks", q, &part); err != nil {
			return err
		}
		all.Payments = append(all.Payments, part.Payments...)
		if part.Next == "" {
			break
		}
		q.Set("cursor", part.Next)
	}
	if !c.table() {
		return c.printJSON(all)
	}
	if len(all.Payments) == 0 {
		fmt.Fprintln(c.out, "the webhooks have taken every message, or still have time")
		return nil
	}
	t := newTable(c.out)
	fmt.Fprintln(t, "WEBHOOK\tMESSAGE\tSTATE\tTRIES\tLAST\tSINCE\tORDER\tREFERENCE")
	for _, p := range all.Payments {
		for _, r := range p.Reports {
			fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", clean(r.To), r.Kind, r.State, r.Tries, dash(clean(r.Last)), lang.Age(time.Since(r.Since), lang.EN), dash(clean(p.Order)), p.Ref)
		}
	}
	return t.Flush()
}
