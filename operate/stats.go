package operate

import (
	"cmp"
	"slices"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// Stats are counts and sums of payments, by provider, today and in the last 30 days, and
// of what was chosen by dates.
type Stats struct {
	Today  Period  `json:"today"`
	Month  Period  `json:"days_30"`
	Chosen *Period `json:"chosen,omitempty"`
	// Days are today and the 30 before it, the oldest first.
	Days []Day `json:"days"`
	// Audit is what people decided about the payments that were counted, the newest
	// first, at most 500.
	Audit []Audited `json:"decisions"`
	// Now is when it was counted: where there are many payments, up to ten minutes ago.
	Now time.Time `json:"now"`
}

// Period is what happened to the payments that were begun in it.
type Period struct {
	From  time.Time     `json:"from,omitzero"`
	To    time.Time     `json:"to,omitzero"`
	Total Sums          `json:"total"`
	By    []ProviderSum `json:"providers"`
	// Complete is false if there are more payments than were looked at.
	Complete bool `json:"complete"`
}

// ProviderSum are the sums of one provider.
type ProviderSum struct {
	Provider string `json:"provider"`
	Sums
}

// Sums count each payment once, by what has become of it. Sandbox payments are counted
// apart: nobody paid them.
type Sums struct {
	// Begun is how many were begun; the others are parts of it.
	Begun int `json:"begun"`
	// Paid is how many were paid and kept; PaidRials is their sum in rials: the
	// price or, where a person accepted an order for less, what was paid.
	Paid      int   `json:"paid"`
	PaidRials int64 `json:"paid_rials"`
	// Refused is how many the provider said no to, or whose window closed, after the
	// customer came back; Abandoned, how many nobody came back for.
	Refused   int `json:"refused"`
	Abandoned int `json:"abandoned"`
	// Waiting need a person, and Open an answer.
	Waiting int `json:"waiting"`
	Open    int `json:"open"`
	// Reversed were paid, and the money went back.
	Reversed int `json:"reversed"`
	Sandbox  int `json:"sandbox"`
	// Rate is Paid and Reversed among those that came to an end, from 0 to 1; null where
	// none did.
	Rate *float64 `json:"success_rate"`
}

func (s *Sums) add(r *payment.Record, now time.Time) {
	s.Begun++
	came := r.Attempts.Claimed || r.Attempts.Count > r.Attempts.Unasked || r.Return != nil && !r.Return.Arrived.IsZero()
	switch {
	case r.Environment == payment.Sandbox:
		s.Sandbox++
	case r.State == payment.Review, r.State == payment.Parked:
		s.Waiting++
		if r.State == payment.Parked {
			s.Paid++
			s.PaidRials += int64(r.HandedAmount())
		}
	case r.State.Captured():
		s.Paid++
		s.PaidRials += int64(r.HandedAmount())
	case r.State == payment.Reversed:
		s.Reversed++
	case r.State == payment.Declined, r.State == payment.Expired:
		if came {
			s.Refused++
		} else {
			s.Abandoned++
		}
	case r.LeftBy(now.Add(-leftAfter)):
		s.Abandoned++
	default:
		s.Open++
	}
}

func (s *Sums) finish() {
	if ended := s.Paid + s.Reversed + s.Refused; ended > 0 {
		rate := float64(s.Paid+s.Reversed) / float64(ended)
		s.Rate = &rate
	}
}

// StatsMost bounds how many payments of one period are looked at.
const StatsMost = 1_000_000

type period struct {
	Period
	by map[string]*Sums
}

func newPeriod(from, to time.Time) *period {
	return &period{Period: Period{From: from, To: to}, by: make(map[string]*Sums)}
}

func (p *period) add(r *payment.Record, now time.Time) {
	p.Total.add(r, now)
	s := p.by[r.Provider]
	if s == nil {
		s = &Sums{}
		p.by[r.Provider] = s
	}
	s.add(r, now)
}

func (p *period) finish() Period {
	p.Total.finish()
	p.By = []ProviderSum{}
	for name, s := range p.by {
		s.finish()
		p.By = append(p.By, ProviderSum{name, *s})
	}
	slices.SortFunc(p.By, func(a, b ProviderSum) int { return cmp.Or(b.Paid-a.Paid, cmp.Compare(a.Provider, b.Provider)) })
	return p.Period
}
