package operate

import (
	"context"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// Erasing is a person's wish that payments forget their payers.
type Erasing struct {
	// Refs are the payments; or, all that were begun before Before; or those of a buyer's
	// Mobile.
	Refs   []string
	Before time.Time
	Mobile string
	// By and Note are who and why; a note is required.
	By, Note string
	DryRun   bool
}

// Erasures is what became of it.
type Erasures struct {
	Done bool `json:"done"`
	// Erased is how many payments forgot their payers, or would; Already, how many knew
	// nothing of them; Open, how many still wait for something, and were left alone.
	Erased  int `json:"erased"`
	Already int `json:"already"`
	Open    int `json:"open"`
	// OpenRefs are the first of those left alone.
	OpenRefs []payment.Ref `json:"open_refs,omitempty"`
}

// openMost bounds how many payments an answer names.
const openMost = 20

// erasePause is the longest pause between two pages of payments that are erased.
const erasePause = 5 * time.Second

// Erase takes out of payments what they know of their payers. They stay the payments that
// they were, and unique.
func Erase(ctx context.Context, e *engine.Engine, q Erasing) (Erasures, error) {
	out := Erasures{Done: !q.DryRun}
	in := Choice{Key: "verify", By: q.By, Note: q.Note}
	if err := in.check(); err != nil {
		return out, err
	}
	ways := 0
	for _, given := range []bool{len(q.Refs) > 0, !q.Before.IsZero(), q.Mobile != ""} {
		if given {
			ways++
		}
	}
	switch {
	case in.Note == "":
		return out, input("write a note: why this is erased; it is kept with the payment")
	case ways == 0:
		return out, input("name payments, a day before which they were begun, or a buyer's mobile number")
	case ways > 1:
		return out, input("name payments, a day or a mobile number: one of them")
	}
	note := payment.Note{By: in.By, Text: in.Note}
	if len(q.Refs) == 0 {
		l := payment.Listing{To: q.Before, Limit: maxLimit}
		if q.Mobile != "" {
			mobile, err := payment.ParseMobile(q.Mobile)
			if err != nil {
				return out, input("the mobile number: %v", err)
			}
			l.Search = []payment.Term{payment.NewTerm(payment.FieldMobile, mobile)}
		}
		// Each page is read before it is changed, and the cursor is a place in the order of
		// creation, which erasing changes for no payment.
		for {
			began := time.Now()
			page, err := List(ctx, e, l)
			if err != nil {
				return out, err
			}
			for _, r := range page.Records {
				if err := out.one(ctx, e, r, note, q.DryRun); err != nil {
					return out, err
				}
			}
			if l.Cursor = page.Next; l.Cursor == "" {
				return out, nil
			}
			// Payments go on meanwhile: half of the time is theirs.
			select {
			case <-ctx.Done():
				return out, ctx.Err()
			case <-time.After(min(time.Since(began), erasePause)):
			}
		}
	}
	var all []*payment.Record
	for _, ref := range q.Refs { // all are there before the first is changed
		r, err := Get(ctx, e, ref)
		if err != nil {
			return out, err
		}
		all = append(all, r)
	}
	for _, r := range all {
		if err := out.one(ctx, e, r, note, q.DryRun); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (out *Erasures) one(ctx context.Context, e *engine.Engine, r *payment.Record, note payment.Note, dry bool) error {
	switch {
	case r.Erased():
		out.Already++
		return nil
	case !r.Erasable():
		out.Open++
		if len(out.OpenRefs) < openMost {
			out.OpenRefs = append(out.OpenRefs, r.Ref)
		}
		return nil
	case !dry:
		if _, err := e.Erase(context.WithoutCancel(ctx), r.Ref, r.Version, note); err != nil {
			return translate(err)
		}
	}
	out.Erased++
	return ctx.Err()
}
