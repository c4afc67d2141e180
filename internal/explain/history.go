package explain

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/payment"
)

// Step is one thing that happened to a payment.
type Step struct {
	At   time.Time `json:"at"`
	When string    `json:"when"`
	// Kind is what kind of thing, for programs: asked, confirmed, decided, …
	Kind string `json:"kind"`
	Text string `json:"text"`
}

// fill puts the values where format says %s; what a value says stays as it is.
func fill(format string, values ...string) string {
	parts := strings.Split(format, "%s")
	var b strings.Builder
	for i, part := range parts {
		b.WriteString(part)
		if i < len(parts)-1 && i < len(values) {
			b.WriteString(values[i])
		}
	}
	return b.String()
}

// timeline collects steps; each stands at its place, which is its time or a little
// after.
type timeline struct {
	l     lang.Lang
	steps []placed
}

type placed struct {
	Step
	place time.Time
}

func (t *timeline) put(kind string, at, place time.Time, text lang.Text, values ...string) {
	if !at.IsZero() {
		t.steps = append(t.steps, placed{Step{at, lang.WhenExactly(at, t.l), kind, fill(text.In(t.l), values...)}, place})
	}
}

func (t *timeline) add(kind string, at time.Time, text lang.Text, values ...string) {
	t.put(kind, at, at, text, values...)
}

// History returns everything that the record remembers, oldest first. What earlier
// versions wrote no entries of is told by the record's times.
//
// Invariant: what a provider dates to the second never stands before a mark of
// ours that it must have followed and that lies in the same second; and entries,
// whose times are cut to the millisecond, stand in the order in which they were
// written.
func History(r *payment.Record, l lang.Lang) []Step {
	t := &timeline{l: l}
	t.beginning(r)
	asked := t.asked(r)
	t.receipt(r, asked)
	d := r.Delivery
	if r.Count(payment.EntryHanded) == 0 {
		t.add("handed_over", d.First, lang.Text{"It was handed to the shop", "به فروشگاه سپرده شد"})
		if d.Count > 1 {
			t.add("handed_over", d.Last, lang.Text{"It was handed to the shop, attempt %s", "به فروشگاه سپرده شد، بار %s"}, count(d.Count, l))
		}
	}
	t.add("visit", r.Track.At, lang.Text{"The visitor came from the affiliate network", "بازدیدکننده از شبکهٔ همکاری آمد"})
	if p := r.Sale(); p != nil && r.Count(payment.EntryReported) == 0 {
		t.add("reported", p.SentAt, reported)
	}
	end := r.UpdatedAt
	if last := t.entries(r); last.After(end) {
		end = last
	}
	t.put("now", r.UpdatedAt, end, lang.Text{"Now: %s", "اکنون: %s"}, StateName(r.State, l))
	slices.SortStableFunc(t.steps, func(a, b placed) int { return a.place.Compare(b.place) })
	sorted := make([]Step, len(t.steps))
	for i, s := range t.steps {
		sorted[i] = s.Step
	}
	return sorted
}

func (t *timeline) beginning(r *payment.Record) {
	start := lang.Text{"A return from the bank made it known", "با بازگشتی از بانک شناخته شد"}
	switch {
	case r.Expect.Checkout:
		start = lang.Text{"Our checkout started it", "صفحهٔ پرداخت ما آن را آغاز کرد"}
	case r.Expect.Source == payment.FromIntent:
		start = lang.Text{"The shop announced it", "فروشگاه آن را اعلام کرد"}
	}
	t.add("started", r.CreatedAt, start)
	if q := r.Return; q != nil {
		t.add("returned", q.Arrived, lang.Text{"The customer came back from the bank", "مشتری از بانک برگشت"})
	}
}

// asked tells of the questions that have no entries, and returns when the provider
// was asked.
func (t *timeline) asked(r *payment.Record) (marks []time.Time) {
	a := r.Attempts
	t.add("awaiting", a.Awaiting, lang.Text{"The provider said: paid, waiting to be confirmed", "درگاه گفت: پرداخت شده و در انتظار تأیید است"})
	for _, e := range r.History {
		if e.Kind == payment.EntryAsked {
			marks = append(marks, placeOf(e))
		}
	}
	if len(marks) > 0 {
		return marks
	}
	t.add("asked", a.First, askedFirst)
	if a.Count > 1 {
		t.add("asked", a.Last, lang.Text{"The provider was asked, attempt %s", "از درگاه پرسیده شد، بار %s"}, count(a.Count, t.l))
	}
	return []time.Time{a.First, a.Last}
}

func (t *timeline) receipt(r *payment.Record, asked []time.Time) {
	rc := r.Receipt
	if rc == nil {
		return
	}
	paid := behind(rc.PaidAt, r.CreatedAt)
	t.put("paid", rc.PaidAt, paid, lang.Text{"The customer paid, says the provider", "به گفتهٔ درگاه مشتری پرداخت کرد"})
	settled := lang.Text{"Settled, says the provider", "به گفتهٔ درگاه قطعی شد"}
	if rc.Again {
		settled = lang.Text{"Settled before, says the provider", "به گفتهٔ درگاه پیش‌تر قطعی شده بود"}
	}
	t.put("settled", rc.VerifiedAt, behind(rc.VerifiedAt, append([]time.Time{r.CreatedAt, paid}, asked...)...), settled)
}

// placeOf returns where an entry stands: at the end of its millisecond, behind what is
// known more exactly.
func placeOf(e payment.Entry) time.Time { return e.At.Add(time.Millisecond - time.Nanosecond) }

// entries tells of the entries, and returns where the last one stands.
func (t *timeline) entries(r *payment.Record) (last time.Time) {
	first := true
	for _, e := range r.History {
		place := placeOf(e)
		if place.Before(last) {
			place = last
		}
		last = place
		text, values := t.entry(e)
		if e.Kind == payment.EntryAsked && first {
			text, first = askedFirst, false
		}
		t.put(e.Kind.String(), e.At, place, text, values...)
	}
	return last
}

// behind returns where a time that was cut to the second stands: not before the last
// of the marks of that second.
func behind(at time.Time, marks ...time.Time) time.Time {
	if at.Nanosecond() != 0 {
		return at
	}
	place := at
	for _, m := range marks {
		if m.Truncate(time.Second).Equal(at) && m.After(place) {
			place = m
		}
	}
	return place
}

func count(n int, l lang.Lang) string {
	return lang.Digits(strconv.Itoa(n), l)
}
