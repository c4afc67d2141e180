package operate

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// Repay is a person's wish to give money back.
type Repay struct {
	Kind payment.RefundKind
	// Amount in rials; 0 is all that is left.
	Amount payment.Rials
	// Was is `done` or `refused`: a person's word on what became of a refund whose
	// answer was lost. Nothing is asked then.
	Was string
	// By, Note, Version and DryRun are those of [Choice]. A note is required.
	By, Note string
	Version  uint64
	DryRun   bool
}

// GiveBack carries it out, if the payment still is as the person saw it.
func GiveBack(ctx context.Context, e *engine.Engine, ref string, c Repay) (Outcome, error) {
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
	if out.Would, out.Warn, err = c.would(e, rec); err != nil || c.DryRun {
		return out, translate(err)
	}
	var after *payment.Record
	if c.Was != "" {
		after, err = e.SettleRefund(ctx, rec.Ref, c.Version, c.Was == "done", c.By, c.Note)
	} else {
		after, err = e.GiveBack(ctx, rec.Ref, engine.GiveBack{Kind: c.Kind, Amount: c.Amount, By: c.By, Note: c.Note, Version: c.Version})
	}
	if err != nil {
		return out, translate(err)
	}
	out.Done, out.Record = true, after
	last := after.Refunds[len(after.Refunds)-1]
	switch last.State {
	case payment.RefundRefused:
		if c.Was == "" {
			return out, notPossible("the provider gave nothing back (code %s)", cmp.Or(last.Code, "-"))
		}
	case payment.RefundUnknown, payment.RefundAsking:
		out.Warn = "Nobody knows whether the money went back: look in the provider's panel, then say so with --was done or --was refused. It is not asked again before that."
	case payment.RefundDone:
	}
	return out, nil
}

func (c *Repay) check() error {
	in := Choice{Key: "verify", By: c.By, Note: c.Note}
	if err := in.check(); err != nil {
		return err
	}
	c.By, c.Note = in.By, in.Note
	switch {
	case c.Kind != payment.KindRefund && c.Kind != payment.KindReverse:
		return input("money is given back by refund or reverse, not by %.40q", c.Kind)
	case c.Note == "":
		return input("write a note: why the money goes back")
	case c.Amount < 0:
		return input("the amount must be more than 0 rials")
	case c.Was != "" && c.Was != "done" && c.Was != "refused":
		return input("was is done or refused, not %.40q", c.Was)
	case c.Was != "" && c.Amount != 0:
		return input("was is about the amount that was asked for: leave the amount out")
	}
	return nil
}

// would says what the wish does, and what to make sure of first.
func (c *Repay) would(e *engine.Engine, rec *payment.Record) (would, warn string, err error) {
	if c.Was != "" {
		i := rec.OpenRefund()
		if i < 0 {
			return "", "", notPossible("there is no refund whose end is not known")
		}
		if err := rec.Clone().SettleRefund(c.Was == "done", payment.Refund{}, e.Store.Now()); err != nil {
			return "", "", notPossible("%v", err)
		}
		return fmt.Sprintf("note that the %s of %s rials is %s", rec.Refunds[i].Kind, rec.Refunds[i].Amount.Grouped(), c.Was), "", nil
	}
	left, t, err := e.Repayable(rec, c.Kind)
	if err != nil {
		return "", "", err
	}
	amount := cmp.Or(c.Amount, left)
	if amount > left {
		return "", "", notPossible("at most %s rials can still be given back", left.Grouped())
	}
	if rec.OpenRefund() >= 0 {
		return "", "", notPossible("what became of an earlier refund is not known: look in the provider's panel and say so with --was")
	}
	if err := rec.Clone().BeginRefund(payment.Refund{Kind: c.Kind, Amount: amount}, t, e.Store.Now()); err != nil {
		return "", "", err
	}
	would = fmt.Sprintf("ask the provider %s to %s %s rials of %s", rec.Provider, c.Kind, amount.Grouped(), rec.Price().Grouped())
	if settled := rec.Attempts.Last; t.Within > 0 && e.Store.Now().Sub(settled) > t.Within {
		warn = fmt.Sprintf("The provider takes this for %s after it was verified, which was %s.", t.Within, settled.Format(time.RFC3339))
	}
	return would, warn, nil
}

// Repaid is one attempt to give money back, as people see it.
type Repaid struct {
	Kind      payment.RefundKind  `json:"kind"`
	State     payment.RefundState `json:"state"`
	Amount    int64               `json:"amount_rials"`
	By        string              `json:"by,omitempty"`
	Note      string              `json:"note,omitempty"`
	Code      string              `json:"code,omitempty"`
	Number    string              `json:"number,omitempty"`
	Began     time.Time           `json:"began"`
	Ended     time.Time           `json:"ended,omitzero"`
	SettledBy string              `json:"settled_by,omitempty"`
	Settled   string              `json:"settled_note,omitempty"`
}

// repaid are the attempts to give a payment back.
func repaid(r *payment.Record) []Repaid {
	var all []Repaid
	for _, f := range r.Refunds {
		all = append(all, Repaid{f.Kind, f.State, int64(f.Amount), f.By, f.Note, f.Code, f.Number, f.Began, f.Ended, f.SettledBy, f.Settled})
	}
	return all
}
