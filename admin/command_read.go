package admin

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/payment"
)

// filters are the flags that select payments.
var filters = [][2]string{
	{"state", "States or attention, open, abandoned, all; several with commas"},
	{"site", "Only of this site"},
	{"provider", "Only of this provider"},
	{"order", "Only of this order of the shop"},
	{"id", "Only with this id of the provider"},
	{"search", "Whatever a customer or a panel names: order, our reference (the first 8 do), the provider's id, the bank's reference, receipt number, the card's last four, amount, item, track"},
	{"from", "Only from this day on: 2026-03-21, 1405/01/01, today, yesterday, 30d, or a moment"},
	{"to", "Only up to this day, which is included"},
	{"conversion", "Only with this state of the report to an affiliate"},
	{"webhook", "Only with this state of a message to a webhook"},
}

func addFilters(f *pflag.FlagSet) {
	for _, x := range filters {
		f.String(x[0], "", x[1])
	}
	f.Bool("owed", false, "Only what is owed: refused, and its money is with the shop")
}

func readFilters(f *pflag.FlagSet) url.Values {
	q := url.Values{}
	for _, x := range filters {
		if v, err := f.GetString(x[0]); err == nil && v != "" {
			q.Set(x[0], v)
		}
	}
	if owed, err := f.GetBool("owed"); err == nil && owed {
		q.Set("owed", "true")
	}
	return q
}

func (c *cli) statusCommand() *cobra.Command {
	var ready bool
	cmd := c.reads(c.leaf("status", "Counts payments and says whether the store takes work",
		`
Says what costs money now, counts payments and says whether the store takes
work. The status is 1 where something costs money now.

With --ready it only asks whether the store is open and takes work, prints one
line and ends with status 1 where it doesn't: a health check, for containers
and load balancers. It waits 5 seconds for an answer, status itself 10.`,
		exactly(0, "no arguments"), func(*cobra.Command, []string) error {
			var s operate.Summary
			if ready {
				c.patience = c.wait(readyPatience)
			}
			if err := c.get("", nil, &s); err != nil {
				return err
			}
			switch {
			case ready && !s.Ready:
				return fmt.Errorf("not ready: %s", s.NotReady)
			case ready:
				fmt.Fprintln(c.out, "ready")
				return nil
			case !c.table():
				err := c.printJSON(s)
				return cmp.Or(err, costly(s.Troubles))
			}
			return cmp.Or(c.printSummary(s), costly(s.Troubles))
		}))
	cmd.Flags().BoolVar(&ready, "ready", false, "Only say whether the store takes work; status 1 where it doesn't")
	return cmd
}

func (c *cli) printSummary(s operate.Summary) error {
	if err := c.printFindings(Findings{s.Troubles}); err != nil {
		return err
	}
	if len(s.Troubles) > 0 {
		fmt.Fprintln(c.out)
	}
	t := newTabs(c.out)
	ready := "ready"
	if !s.Ready {
		ready = "NOT READY: " + s.NotReady
	}
	fmt.Fprintf(t, "store\t%s, generation %d since %s\n", ready, s.Generation, lang.When(s.GenerationStart, c.language()))
	if s.Health.Ledger.Nodes > 1 {
		fmt.Fprintf(t, "nodes\t%d\n", s.Health.Ledger.Nodes)
	}
	fmt.Fprintf(t, "waiting for a person\t%d\n", s.Attention)
	for _, state := range payment.States() {
		fmt.Fprintf(t, "  %s\t%d\n", state, s.Counts[state])
	}
	if !s.Complete {
		fmt.Fprintf(t, "\tamong the newest %d payments; review, parked and unknown are counted among all\n", s.Looked)
	}
	if o := s.Oldest; o != nil {
		fmt.Fprintf(t, "oldest open\t%s %s, %s old\n", o.Ref, o.State, lang.Age(s.Now.Sub(o.Since), lang.EN))
	}
	if s.Owed > 0 {
		fmt.Fprintf(t, "owed to payers\t%d, %s\n", s.Owed, lang.Toman(payment.Rials(s.OwedRials), c.language()))
	}
	fmt.Fprintf(t, "conversions to look at\t%d\n", s.Conversions)
	if s.Webhooks > 0 {
		fmt.Fprintf(t, "messages to webhooks to look at\t%d\n", s.Webhooks)
	}
	if len(s.Paused) > 0 {
		fmt.Fprintf(t, "receivers of reports that take none\t%s\n", strings.Join(s.Paused, ", "))
	}
	return t.Flush()
}

func (c *cli) listCommand() *cobra.Command {
	cmd := c.leaf("list", "Lists payments, those that need a person first",
		`
Lists payments. Without a filter: what needs a person first (review, parked,
a refund whose end nobody knows),
then what is still open, then the rest, the newest of each first.`,
		exactly(0, "no arguments, only flags"), c.list)
	addFilters(cmd.Flags())
	c.reads(cmd)
	cmd.Flags().Int("limit", 50, "How many at most")
	cmd.Flags().String("cursor", "", "Go on where a listing with the same filters ended")
	return c.complete(cmd, among(), c.filtered())
}

func (c *cli) list(cmd *cobra.Command, _ []string) error {
	q := readFilters(cmd.Flags())
	limit, err := cmd.Flags().GetInt("limit")
	if err != nil || limit < 1 {
		return usage("--limit must be a positive number")
	}
	if cursor, _ := cmd.Flags().GetString("cursor"); cursor != "" {
		q.Set("cursor", cursor)
	}
	out := Listed{Payments: []operate.Row{}}
	if len(q) > 0 {
		if out, err = c.pages(q, limit); err != nil {
			return err
		}
	} else {
		listed := make(map[payment.Ref]bool)
		for _, state := range []string{"review", "parked", "attention", "open", "all"} {
			part, err := c.pages(url.Values{"state": {state}}, limit)
			if err != nil {
				return err
			}
			for _, row := range part.Payments {
				if !listed[row.Ref] && len(out.Payments) < limit {
					listed[row.Ref] = true
					out.Payments = append(out.Payments, row)
				}
			}
			if part.Next != "" {
				fmt.Fprintf(c.err, "there may be more: caddy payments list%s --state %s --cursor %s\n", given(cmd.Flags()), state, part.Next)
			}
			if len(out.Payments) >= limit {
				break
			}
		}
	}
	if !c.table() {
		return c.printJSON(out)
	}
	if len(out.Payments) == 0 {
		fmt.Fprintln(c.out, "no such payments")
		return nil
	}
	if out.Next != "" {
		fmt.Fprintf(c.err, "there is more: --cursor %s\n", out.Next)
	}
	return c.printRows(out.Payments, time.Now())
}

// given repeats the flags that were set, for a command to go on with.
func given(flags *pflag.FlagSet) string {
	text := ""
	flags.Visit(func(f *pflag.Flag) {
		value := f.Value.String()
		if strings.ContainsAny(value, " '\"") {
			value = strconv.Quote(value)
		}
		text += " --" + f.Name + "=" + value
	})
	return text
}

// maxPages bounds a listing whose pages are short because few records match.
const maxPages = 200

func (c *cli) pages(q url.Values, limit int) (Listed, error) {
	out := Listed{Payments: []operate.Row{}}
	for range maxPages {
		q.Set("limit", strconv.Itoa(min(limit-len(out.Payments), 1000)))
		var page Listed
		if err := c.get("list", q, &page); err != nil {
			return out, err
		}
		out.Payments, out.Next = append(out.Payments, page.Payments...), page.Next
		if out.Next == "" || len(out.Payments) >= limit {
			break
		}
		q.Set("cursor", page.Next)
	}
	return out, nil
}

func (c *cli) showCommand() *cobra.Command {
	return c.complete(c.reads(c.leaf("show REFERENCE", "Shows one payment, why it stands where it stands, and what can be done",
		"Shows one payment: what happened, whether the money is with you, and what you can do. The first eight\ncharacters of the reference will do.", exactly(1, "the reference of one payment"), func(_ *cobra.Command, args []string) error {
			return shown(c, c.get, "show/"+url.PathEscape(args[0]), nil, c.printView)
		})), c.referring, nil)
}

func (c *cli) doctorCommand() *cobra.Command {
	return c.reads(c.leaf("doctor", "Looks for what is wrong with the configuration and around it",
		"\nLooks for what is wrong. The status is 1 if there is an error among the findings.",
		exactly(0, "no arguments"), func(*cobra.Command, []string) error {
			var out Findings
			if err := c.getSlowly("doctor", nil, &out); err != nil {
				return err
			}
			if err := c.printFindings(out); err != nil {
				return err
			}
			return costly(out.Findings)
		}))
}

// costly ends a command with status 1 where something costs money now.
func costly(findings []operate.Finding) error {
	if slices.ContainsFunc(findings, func(f operate.Finding) bool { return f.Level == operate.LevelError }) {
		return &failure{exitFailed, fmt.Errorf("there are errors among the findings")}
	}
	return nil
}

func (c *cli) printFindings(out Findings) error {
	if !c.table() {
		return c.printJSON(out)
	}
	marks := map[operate.Level]string{operate.LevelOK: "✓", operate.LevelWarn: "!", operate.LevelError: "✗"}
	for _, level := range []operate.Level{operate.LevelError, operate.LevelWarn, operate.LevelOK} {
		for _, f := range out.Findings {
			if f.Level != level {
				continue
			}
			where := ""
			if f.Where != "" {
				where = clean(f.Where) + ": "
			}
			text := wrapped(where+clean(f.Text)+" ["+f.Code+"]", c.width, 2)
			fmt.Fprintf(c.out, "%s %s\n", c.inColour(levelColour(level), marks[level]), text)
		}
	}
	return nil
}
