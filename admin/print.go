package admin

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/payment"
)

// clean keeps what a customer or a provider wrote from moving the cursor or
// turning the line around.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if _, ours := escapes[r]; ours || unicode.IsControl(r) || turns(r) {
			return ' '
		}
		return r
	}, s)
}

func (c *cli) language() lang.Lang {
	if l, ok := lang.Parse(c.lang); ok {
		return l
	}
	return lang.EN
}

// newTabs is for lines of a label and what it says.
func newTabs(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 4, 2, ' ', 0) }

// printRows prints a line for each payment, and under it one sentence why.
func (c *cli) printRows(rows []operate.Row, now time.Time) error {
	t := c.newTable("STATE", "AGE", "TOMAN", "RIAL", "ORDER", "PROVIDER", "REFERENCE")
	for _, r := range rows {
		toman, rial := "-", "-"
		if r.Amount != 0 {
			toman, rial = payment.Rials(r.Amount).Toman(), payment.Rials(r.Amount).Grouped()
		}
		t.row(string(r.State), lang.Age(now.Sub(r.CreatedAt), lang.EN), toman, rial, cmp.Or(clean(r.Order), "-"), clean(r.Provider), string(r.Ref))
		t.under(clean(r.Why))
	}
	return t.flush()
}

// labels are printView's own words; what is said about a payment is explain's.
var labels = map[string]lang.Text{
	"money":    {"money with you?", "پول پیش شماست؟"},
	"asked":    {"asked", "مبلغ سفارش"},
	"found":    {"found", "مبلغ پرداخت"},
	"mind":     {"mind", "توجه"},
	"deadline": {"deadline", "مهلت"},
	"next":     {"what to do", "چه کنم؟"},
	"report":   {"affiliate", "همکاری در فروش"},
	"panel":    {"to search for in the provider's panel", "در پنل درگاه جست‌وجو کنید"},
	"history":  {"History", "تاریخچه"},
	"can":      {"What you can do", "چه می‌توانید بکنید"},
	"blocked":  {"Not possible now", "اکنون شدنی نیست"},
}

func (c *cli) label(key string) string { return labels[key].In(c.language()) }

// printView prints what a person needs to decide.
func (c *cli) printView(v operate.View) error {
	x := v.Explanation
	head := x.State
	if x.State != string(v.State) {
		head = fmt.Sprintf("%s (%s)", x.State, v.State)
	}
	fmt.Fprintf(c.out, "%s  %s\n\n%s\n", v.Ref, c.inColour(stateColour(string(v.State)), head), wrapped(x.Why, c.width, 0))
	t := newTabs(c.out)
	line := func(label, value string) {
		if value != "" {
			fmt.Fprintf(t, "  %s\t%s\n", label, clean(value))
		}
	}
	fmt.Fprintln(t)
	line(c.label("money"), x.MoneyText)
	if x.Asked != nil {
		line(c.label("asked"), x.Asked.Toman+" = "+x.Asked.Rial)
	}
	if x.Found != nil {
		line(c.label("found"), x.Found.Toman+" = "+x.Found.Rial)
	}
	line(c.label("mind"), x.Slip)
	line(c.label("deadline"), x.Deadline)
	line(c.label("next"), x.Next)
	line(c.label("report"), x.Conversion)
	fmt.Fprintln(t)
	for _, f := range x.Fields {
		label := f.Label
		if f.Panel {
			label += " *"
		}
		line(label, f.Value)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "\n  * %s\n\n%s\n", c.label("panel"), c.label("history"))
	for _, s := range v.History {
		fmt.Fprintf(c.out, "  %s  %s\n", c.inColour(faint, s.When), clean(s.Text))
	}
	if len(x.Decisions) > 0 {
		fmt.Fprintf(c.out, "\n%s\n", c.label("can"))
	}
	for _, d := range x.Decisions {
		fmt.Fprintf(c.out, "  %s\n    %s: %s\n", commandOf(d.Key, v), d.Label, d.Does)
		if d.Warn != "" {
			fmt.Fprintf(c.out, "    ! %s\n", d.Warn)
		}
		if d.Blocked != "" {
			fmt.Fprintf(c.out, "    %s: %s\n", c.label("blocked"), d.Blocked)
		}
	}
	return nil
}

// commandOf is the command line of a decision.
func commandOf(key string, v operate.View) string {
	switch key {
	case "verify":
		return fmt.Sprintf("caddy payments verify %s", v.Ref)
	case "report":
		return fmt.Sprintf("caddy payments resend %s --what conversion", v.Ref)
	}
	return fmt.Sprintf("caddy payments resolve %s %s --version %d --note \"…\"", v.Ref, key, v.Version)
}
