package admin

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/payment"
)

func (c *call) stats() error {
	q, err := operate.ParseListing(c.r.URL.Query(), time.Now())
	if err != nil {
		return err
	}
	return answered(c, func(ctx context.Context, e *engine.Engine) (operate.Stats, error) { return operate.Count(ctx, e, q) })
}

func (c *cli) statsCommand() *cobra.Command {
	cmd := c.leaf("stats", "Counts and sums of today and 30 days, and each provider's success rate",
		`
Counts payments by what became of them: today, in the last 30 days and, with
--from or --to, of that time; in all and by provider. The filters are those of
list. The success rate is that of the payments that came to an end: who never
came back from the bank is counted apart.`,
		exactly(0, "no arguments, only flags"), func(cmd *cobra.Command, _ []string) error {
			return shown(c, c.getSlowly, "stats", readFilters(cmd.Flags()), c.printStats)
		})
	addFilters(cmd.Flags())
	return c.complete(c.reads(cmd), among(), c.filtered())
}

func (c *cli) printStats(s operate.Stats) error {
	t := c.newTable("PERIOD", "PROVIDER", "PAID", "TOMAN", "REFUSED", "LEFT", "WAITING", "OPEN", "REVERSED", "SUCCESS")
	line := func(name, provider string, x operate.Sums) {
		rate := "-"
		if x.Rate != nil {
			rate = strconv.FormatFloat(*x.Rate*100, 'f', 1, 64) + "%"
		}
		t.row(name, provider, strconv.Itoa(x.Paid), payment.Rials(x.PaidRials).Toman(), strconv.Itoa(x.Refused), strconv.Itoa(x.Abandoned),
			strconv.Itoa(x.Waiting), strconv.Itoa(x.Open), strconv.Itoa(x.Reversed), rate)
	}
	one := func(name string, p operate.Period) {
		line(name, "all", p.Total)
		for _, by := range p.By {
			line("", clean(by.Provider), by.Sums)
		}
		if !p.Complete {
			t.under(fmt.Sprintf("of the newest %d payments only", operate.StatsMost))
		}
	}
	one("today", s.Today)
	one("30 days", s.Month)
	if s.Chosen != nil {
		name := "from " + cmp.Or(lang.Date(s.Chosen.From), "-")
		if !s.Chosen.To.IsZero() {
			name += " to " + lang.Date(s.Chosen.To.Add(-time.Second))
		}
		one(name, *s.Chosen)
	}
	return t.flush()
}
