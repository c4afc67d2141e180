package operate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/payment"
)

// statistics keeps what was counted, so that people who look at it, and pages that load
// themselves anew, don't keep a machine busy with counting.
//
// Invariant: counting takes at most a twentieth of the time, and at most two counts are
// made at once, whoever asks for whatever and however often; what is given out is at most
// oldCount old, or was counted just now.
type statistics struct {
	flights singleflight.Group
	places  chan struct{}

	mu    sync.Mutex
	kept  map[string]*counted
	order []string
}

type counted struct {
	Stats
	at   time.Time
	took time.Duration
}

const (
	// shortCount is a count that is made anew for everybody who asks; a longer one is
	// given out as it was, while it is made anew behind.
	shortCount = 500 * time.Millisecond
	oldCount   = 10 * time.Minute
	// longestCount bounds one count; what was not read by then is left out.
	longestCount = time.Minute
	// mostCounts bounds how many are kept.
	mostCounts = 64
	atOnce     = 2
)

func statisticsOf(e *engine.Engine) *statistics {
	return e.Shared.Keep("statistics", func() any {
		return &statistics{places: make(chan struct{}, atOnce), kept: make(map[string]*counted)}
	}).(*statistics) //nolint:forcetypeassert // nobody else keeps something by this name
}

// Count makes the statistics of what a listing chooses, on some sites; none are all.
func Count(ctx context.Context, e *engine.Engine, q payment.Listing, sites ...string) (Stats, error) {
	q.Cursor, q.Limit, q.LeftBefore = "", 0, time.Time{}
	key := fmt.Sprintf("%+v %q", q, sites)
	s := statisticsOf(e)
	s.mu.Lock()
	old := s.kept[key]
	s.mu.Unlock()
	now := time.Now()
	switch {
	case old == nil:
	case now.Sub(old.at) < 20*old.took:
		return old.Stats, nil
	case old.took > shortCount && now.Sub(old.at) < oldCount:
		s.count(e, key, q, sites)
		return old.Stats, nil
	}
	select {
	case made := <-s.count(e, key, q, sites):
		return made.Val.(Stats), made.Err //nolint:forcetypeassert // count gives nothing else
	case <-ctx.Done():
		return Stats{}, ctx.Err()
	}
}

// count begins to count, or joins whoever is counting the same.
func (s *statistics) count(e *engine.Engine, key string, q payment.Listing, sites []string) <-chan singleflight.Result {
	return s.flights.DoChan(key, func() (any, error) {
		s.places <- struct{}{}
		defer func() { <-s.places }()
		ctx, cancel := context.WithTimeout(context.Background(), longestCount)
		defer cancel()
		start := time.Now()
		out, err := count(ctx, e, q, sites)
		if err != nil {
			return out, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.kept[key] == nil {
			s.order = append(s.order, key)
		}
		s.kept[key] = &counted{out, time.Now(), time.Since(start)}
		for len(s.order) > mostCounts {
			delete(s.kept, s.order[0])
			s.order = s.order[1:]
		}
		return out, nil
	})
}

// count reads the ledger.
func count(ctx context.Context, e *engine.Engine, q payment.Listing, sites []string) (Stats, error) {
	now := e.Store.Now()
	out := Stats{Now: now, Audit: []Audited{}}
	days := newDays(now)
	q.LeftBefore = now.Add(-leftAfter)
	asked := q
	q.From, q.To = days[0].From, time.Time{}
	today, month := newPeriod(days[len(days)-1].From, time.Time{}), newPeriod(q.From, time.Time{})
	complete, err := eachSeen(ctx, e, q, sites, func(r *payment.Record) {
		month.add(r, now)
		if i := dayOf(days, r.CreatedAt); i >= 0 {
			days[i].add(r, now)
		}
		if !r.CreatedAt.Before(today.From) {
			today.add(r, now)
		}
		out.audit(r)
	})
	if err != nil {
		return out, err
	}
	month.Complete, today.Complete = complete, complete
	for i := range days {
		days[i].finish()
	}
	out.Today, out.Month, out.Days = today.finish(), month.finish(), days
	out.sortAudit()
	if asked.From.IsZero() && asked.To.IsZero() {
		return out, nil
	}
	c := newPeriod(asked.From, asked.To)
	out.Audit = out.Audit[:0]
	c.Complete, err = eachSeen(ctx, e, asked, sites, func(r *payment.Record) {
		c.add(r, now)
		out.audit(r)
	})
	chosen := c.finish()
	out.Chosen = &chosen
	out.sortAudit()
	return out, err
}

// eachSeen calls f for the payments of some sites. What was not read when the time was
// over is left out, and complete is false.
func eachSeen(ctx context.Context, e *engine.Engine, q payment.Listing, sites []string, f func(*payment.Record)) (complete bool, err error) {
	complete, err = eachOf(ctx, e, q, sites, StatsMost, f)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return false, nil
	}
	return complete, err
}

// Day are the sums of the payments that were begun on one day in Tehran.
type Day struct {
	From time.Time `json:"from"`
	// Date and Jalali are the day in both calendars.
	Date   string `json:"date"`
	Jalali string `json:"jalali"`
	Sums
}

// daysBack is how many days before today are counted, as `30d` is.
const daysBack = 30

func newDays(now time.Time) []Day {
	y, m, d := now.In(lang.Tehran()).Date()
	days := make([]Day, 0, daysBack+1)
	for i := -daysBack; i <= 0; i++ {
		from := time.Date(y, m, d+i, 0, 0, 0, 0, lang.Tehran())
		days = append(days, Day{From: from.UTC(), Date: from.Format(time.DateOnly), Jalali: lang.ToJalali(from).String()})
	}
	return days
}

// dayOf is the place of a moment's day; -1 where it is none of them.
func dayOf(days []Day, at time.Time) int {
	for i := len(days) - 1; i >= 0; i-- {
		if !at.Before(days[i].From) {
			return i
		}
	}
	return -1
}

// Audited is one thing that a person decided or asked for.
type Audited struct {
	At    time.Time         `json:"at"`
	Ref   payment.Ref       `json:"ref"`
	Order string            `json:"order"`
	Kind  payment.EntryKind `json:"-"`
	// What is the decision, or refund.
	What string `json:"what"`
	By   string `json:"by"`
	Note string `json:"note,omitempty"`
	// Was is state and reason before.
	Was  string        `json:"was,omitempty"`
	Site string        `json:"site"`
	Sum  payment.Rials `json:"amount_rials"`
}

// mostAudited bounds the list of decisions.
const mostAudited = 500

func (s *Stats) audit(r *payment.Record) {
	for _, e := range r.History {
		what := e.Code
		switch e.Kind {
		case payment.EntryDecided:
		case payment.EntryGivingBack:
			what = "refund"
		case payment.EntryReopened:
			what = "resend " + e.Code
		default:
			continue
		}
		s.Audit = append(s.Audit, Audited{At: e.At, Ref: r.Ref, Order: r.Order, Kind: e.Kind, What: what, By: e.By, Note: e.Text, Was: e.Was, Site: r.Site, Sum: r.Price()})
	}
	if len(s.Audit) > 4*mostAudited {
		s.sortAudit()
	}
}

func (s *Stats) sortAudit() {
	slices.SortStableFunc(s.Audit, func(a, b Audited) int { return b.At.Compare(a.At) })
	if len(s.Audit) > mostAudited {
		s.Audit = s.Audit[:mostAudited]
	}
}
