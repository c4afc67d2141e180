package operate

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/explain"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/payment"
)

// Choice is a person's decision about a payment.
type Choice struct {
	// Key is a [payment.Decision], or verify or report.
	Key string
	// Webhook is, with report, whose messages are sent again; empty is the affiliate.
	Webhook string
	// Resend is whether the person asked to resend, without naming a decision.
	Resend bool
	// By and Note are who and why; they are kept with the payment.
	By, Note string
	// Version is the one that the person saw; 0 asks for no comparison.
	Version uint64
	// DryRun says what would happen and does nothing.
	DryRun bool
}

// Outcome is what became of a choice.
type Outcome struct {
	// Done is false for a dry run.
	Done bool
	// Would is one sentence about what the choice does.
	Would string
	// Warn is what to make sure of first.
	Warn   string
	Record *payment.Record
}

const (
	maxBy   = 128
	maxNote = 1000
)

// Decide carries a choice out, if the payment still is as the person saw it.
func Decide(ctx context.Context, e *engine.Engine, ref string, c Choice, l lang.Lang) (Outcome, error) {
	if err := c.check(); err != nil {
		return Outcome{}, err
	}
	rec, err := Get(ctx, e, ref)
	if err != nil {
		return Outcome{}, err
	}
	out := Outcome{Record: rec}
	if c.Version != 0 && c.Version != rec.Version {
		return out, ErrChanged
	}
	d, err := offered(ctx, e, rec, c, l)
	if err != nil {
		return out, err
	}
	out.Would, out.Warn = d.Does, d.Warn
	switch {
	case c.DryRun:
		return out, nil
	case d.Note && c.Note == "":
		return out, input("a note is missing: say why, it is kept with the payment")
	}
	after, err := carryOut(ctx, e, rec, c)
	if err != nil {
		return out, translate(err)
	}
	out.Done, out.Record = true, after
	return out, nil
}

func (c *Choice) check() error {
	c.By, c.Note = oneLine(Note(c.By)), Note(c.Note)
	switch {
	case !utf8.ValidString(c.By) || len(c.By) > maxBy:
		return input("the name of who decides is longer than %d bytes", maxBy)
	case !utf8.ValidString(c.Note) || len(c.Note) > maxNote:
		return input("the note is longer than %d bytes", maxNote)
	}
	if c.Key == "verify" || c.Key == "report" {
		return nil
	}
	if _, ok := payment.RuleOf(payment.Decision(c.Key)); !ok {
		return input("there is no decision %.40q; they are %s", c.Key, payment.DecisionNames())
	}
	return nil
}

// Note is what is kept of a note that a person wrote: its lines, without what could disturb a
// terminal or a page. It is empty if nothing of it can be seen, because an invisible reason is
// none; every place that needs a note asks for this one.
func Note(text string) string {
	text = tidy(text)
	if !strings.ContainsFunc(text, visible) {
		return ""
	}
	return text
}

// visible: a letter, a digit, a sign or a picture. Marks need one of them, and a few letters
// and symbols are blank.
func visible(r rune) bool {
	switch r {
	case 0x115f, 0x1160, 0x3164, 0xffa0, 0x2800, utf8.RuneError:
		return false
	}
	return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.IsMark(r)
}

// tidy keeps lines and drops what could disturb a terminal or a page.
func tidy(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, s))
}

func oneLine(s string) string { return strings.Join(strings.Fields(tidy(s)), " ") }

func offered(ctx context.Context, e *engine.Engine, r *payment.Record, c Choice, l lang.Lang) (explain.Decision, error) {
	for _, d := range explain.Of(r, Facts(ctx, e, r), l).Decisions {
		if d.Key != c.Key {
			continue
		}
		if d.Blocked != "" {
			return d, notPossible("%s", d.Blocked)
		}
		return d, nil
	}
	if c.Resend {
		return explain.Decision{}, notPossible("nothing to resend, the payment is %s: only a parked payment is handed over again, and only a failed report of a conversion is sent again", r.State)
	}
	return explain.Decision{}, notPossible("%s does not fit a payment that is %s", c.Key, r.State)
}

func carryOut(ctx context.Context, e *engine.Engine, r *payment.Record, c Choice) (*payment.Record, error) {
	// What is begun is finished, whatever becomes of the person's connection.
	ctx = context.WithoutCancel(ctx)
	switch c.Key {
	case "verify":
		return e.Check(ctx, r.Ref)
	case "report":
		return e.Resend(ctx, r.Ref, c.Webhook, payment.Note{By: c.By, Text: c.Note})
	}
	return e.Decide(ctx, r.Ref, r.Version, payment.Decision(c.Key), payment.Note{By: c.By, Text: c.Note})
}
