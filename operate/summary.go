package operate

import (
	"context"
	"slices"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// Summary is the ledger at a glance.
type Summary struct {
	// Counts by state. Those that wait for somebody (review, parked, unknown)
	// are counted in full up to CountedMost each, the others among the newest
	// Looked payments.
	Counts map[payment.State]int `json:"counts"`
	Looked int                   `json:"looked"`
	// Complete is whether the ledger holds no more than was looked at.
	Complete bool `json:"complete"`
	// Attention is how many wait for a person; Oldest is the one that waits
	// longest.
	Attention int        `json:"attention"`
	Oldest    *OldestRow `json:"oldest,omitempty"`
	// Conversions that a person must look at, and messages to webhooks that were
	// given up.
	Conversions int `json:"conversions_failed"`
	Webhooks    int `json:"webhooks_parked"`
	// Owed is how many refused payments' money is with the shop, and OwedRials their
	// sum.
	Owed      int   `json:"owed"`
	OwedRials int64 `json:"owed_rials"`
	// Paused are the affiliates that refuse our token.
	Paused []string `json:"paused_affiliates"`
	// Providers are the configured ones.
	Providers []string `json:"providers"`
	// Generation of the ledger: above 1, something was lost once.
	Generation      uint32    `json:"generation"`
	GenerationStart time.Time `json:"generation_start"`
	// Ready is whether new work is taken; NotReady says why not.
	Ready    bool      `json:"ready"`
	NotReady string    `json:"not_ready,omitempty"`
	Now      time.Time `json:"now"`
	// Troubles are what costs money now (errors), or soon will (warnings).
	Troubles []Finding `json:"troubles"`
	// Health is how providers, shops and the ledger have been lately.
	Health Health `json:"health"`
}

// OldestRow is the open payment that waits longest.
type OldestRow struct {
	Ref   payment.Ref   `json:"ref"`
	State payment.State `json:"state"`
	Since time.Time     `json:"since"`
}

const (
	// CountedMost bounds the count of one state.
	CountedMost = 10_000
	// lookedMost bounds how many of the newest payments a summary reads.
	lookedMost = 5_000
)

// waiting are the states that stores keep an index of.
var waiting = []payment.State{payment.Review, payment.Parked, payment.Unknown}

// Summarize counts.
func Summarize(ctx context.Context, e *engine.Engine, providers []string) (Summary, error) {
	s := Summary{Counts: make(map[payment.State]int), Paused: e.Paused(), Providers: providers, Now: e.Store.Now()}
	if s.Paused == nil {
		s.Paused = []string{}
	}
	slices.Sort(s.Paused)
	gen, err := e.Store.Generation(ctx)
	if err != nil {
		return s, translate(err)
	}
	s.Generation, s.GenerationStart = gen.Seq, gen.Start
	if err := e.Store.Ready(); err != nil {
		s.NotReady = err.Error()
	} else {
		s.Ready = true
	}
	for _, state := range payment.States() {
		s.Counts[state] = 0
	}
	// The first error ends the counting.
	read := func(q payment.Listing, most int, f func(*payment.Record)) (all bool) {
		if err == nil {
			all, err = each(ctx, e, q, most, f)
		}
		return all
	}
	for _, state := range waiting {
		read(payment.Listing{States: []payment.State{state}}, CountedMost, s.open)
	}
	for _, c := range []payment.ReportState{payment.RejectedReport, payment.PerhapsReport, payment.ParkedReport} {
		read(payment.Listing{Conversion: c}, CountedMost, func(*payment.Record) { s.Conversions++ })
	}
	read(payment.Listing{Webhook: payment.ParkedReport}, CountedMost, func(*payment.Record) { s.Webhooks++ })
	read(payment.Listing{Owed: true}, CountedMost, func(r *payment.Record) {
		s.Owed++
		s.OwedRials += int64(r.OwedAmount())
	})
	s.Complete = read(payment.Listing{}, lookedMost, func(r *payment.Record) {
		s.Looked++
		if !slices.Contains(waiting, r.State) {
			s.open(r)
		}
	})
	read(Attention(), CountedMost, func(*payment.Record) { s.Attention++ })
	return s, err
}

func (s *Summary) open(r *payment.Record) {
	s.Counts[r.State]++
	switch r.State {
	case payment.Review, payment.Parked, payment.Unknown, payment.Verifying, payment.Verified, payment.Delivering:
		if s.Oldest == nil || r.CreatedAt.Before(s.Oldest.Since) {
			s.Oldest = &OldestRow{r.Ref, r.State, r.CreatedAt}
		}
	}
}

// OwedTotal is how many refused payments' money is with the shops, up to [CountedMost],
// and their sum; no sites are all.
func OwedTotal(ctx context.Context, e *engine.Engine, sites []string) (n int, sum payment.Rials, err error) {
	_, err = eachOf(ctx, e, payment.Listing{Owed: true}, sites, CountedMost, func(r *payment.Record) {
		n++
		sum += r.OwedAmount()
	})
	return n, sum, err
}

// eachOf is each for the payments of some sites; none are all.
func eachOf(ctx context.Context, e *engine.Engine, q payment.Listing, sites []string, most int, f func(*payment.Record)) (bool, error) {
	if len(sites) == 1 {
		q.Site = sites[0]
	}
	return each(ctx, e, q, most, func(r *payment.Record) {
		if len(sites) == 0 || slices.Contains(sites, r.Site) {
			f(r)
		}
	})
}

// each calls f for up to most records, newest first, and reports whether these
// were all.
func each(ctx context.Context, e *engine.Engine, q payment.Listing, most int, f func(*payment.Record)) (bool, error) {
	q.Limit = maxLimit
	for n := 0; ; {
		page, err := e.Store.List(ctx, q)
		if err != nil {
			return false, translate(err)
		}
		for _, r := range page.Records {
			if n == most {
				return false, nil
			}
			f(r)
			n++
		}
		if page.Next == "" {
			return true, nil
		}
		q.Cursor = page.Next
	}
}
