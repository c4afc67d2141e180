package simulation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rahgir/caddy-payments/payment"
)

// row is one row of the state machine's table.
type row struct {
	from    payment.State
	trigger payment.Trigger
}

func triggers() []payment.Trigger {
	return []payment.Trigger{
		payment.Claim, payment.Confirm, payment.Silence, payment.Refuse, payment.Doubt, payment.Lapse, payment.Hand,
		payment.Ack, payment.Miss, payment.NotSent, payment.Park, payment.Reverse, payment.Accept, payment.Dismiss,
	}
}

// table is the whole machine, asked of it.
func table() []row {
	var rows []row
	for _, s := range payment.States() {
		for _, t := range triggers() {
			if _, err := payment.Step(s, t); err == nil {
				rows = append(rows, row{s, t})
			}
		}
	}
	return rows
}

// hits count what was seen to happen.
type hits struct {
	rows   map[row]int
	faults [faultKinds]int
	steps  int
	// beside are our own questions beside a shop's that is not answered yet.
	beside int
}

func newHits() *hits { return &hits{rows: make(map[row]int)} }

func (h *hits) add(o *hits) {
	for k, n := range o.rows {
		h.rows[k] += n
	}
	for f, n := range o.faults {
		h.faults[f] += n
	}
	h.steps += o.steps
	h.beside += o.beside
}

// step finds the row that a change took; false if the table has none.
func (h *hits) step(old, now *payment.Record) bool {
	if old == nil {
		// A new record is an intent, or claimed in the commit that makes it.
		return now.State == payment.Created || now.State == payment.Verifying || isTrace(now)
	}
	if old.State == now.State && old.Relay != nil && now.Relay.Asked > old.Relay.Asked && now.State != payment.Verifying {
		return true // a shop's own ask about what our books hold for a person
	}
	if isMarked(old, now) {
		return true
	}
	if old.State == now.State && old.Delivery.Count == now.Delivery.Count && old.Attempts.Count == now.Attempts.Count && (old.State != payment.Delivering || old.Lease.Until.Equal(now.Lease.Until)) {
		return true
	}
	for _, t := range triggers() {
		if to, err := payment.Step(old.State, t); err != nil || to != now.State {
			continue
		}
		if t == payment.Miss && now.Delivery.Count != old.Delivery.Count {
			continue
		}
		if t == payment.Hand && now.Delivery.Count != old.Delivery.Count+1 {
			continue
		}
		h.rows[row{old.State, t}]++
		return true
	}
	return false
}

// isMarked: a person accepts what an inquiry found paid and no verify has settled. It is asked
// about first, and the marker of that is on record.
func isMarked(old, now *payment.Record) bool {
	return old.State == payment.Review && now.State == payment.Review && old.Reason == payment.ReasonUnannounced &&
		now.Attempts.Open && now.Attempts.Count == old.Attempts.Count+1
}

// untaken are the rows that the table allows and the engine never takes: every
// doubt and every closed window is an answer, so it comes while verifying. No configuration
// here loses an account, whose payments nobody can be asked about: engine/orphan_test.go
// takes those rows.
func untaken(r row) bool {
	switch r {
	case row{payment.Declined, payment.Lapse}, row{payment.Unknown, payment.Doubt},
		row{payment.Created, payment.Silence}, row{payment.Declined, payment.Silence}, row{payment.Expired, payment.Silence}:
		return true
	}
	return false
}

// missed lists rows and faults that never happened.
func (h *hits) missed() []string {
	var list []string
	for _, r := range table() {
		if h.rows[r] == 0 && !untaken(r) {
			list = append(list, fmt.Sprintf("row %s + %s", r.from, r.trigger))
		}
	}
	for f := range faultKinds {
		if h.faults[f] == 0 && f < pluginReadsHalf {
			list = append(list, "fault "+f.String())
		}
	}
	return list
}

// String is the report.
func (h *hits) String() string {
	var b strings.Builder
	rows := table()
	fmt.Fprintf(&b, "%d of %d rows of the table, %d kinds of faults, %d steps\n", len(h.rows), len(rows), len(h.faults), h.steps)
	for _, r := range rows {
		to, _ := payment.Step(r.from, r.trigger)
		fmt.Fprintf(&b, "%9d  %s --%s--> %s\n", h.rows[r], r.from, r.trigger, to)
	}
	kinds := make([]fault, 0, faultKinds)
	for f := range faultKinds {
		kinds = append(kinds, f)
	}
	slices.SortFunc(kinds, func(a, b fault) int { return h.faults[b] - h.faults[a] })
	for _, f := range kinds {
		fmt.Fprintf(&b, "%9d  %s\n", h.faults[f], f)
	}
	return b.String()
}
