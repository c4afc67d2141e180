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
	Text string    `json:"text"`
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

var actions = map[string]lang.Text{
	string(payment.Accept):  {"%s decided to give the order", "%s تصمیم گرفت سفارش داده شود"},
	string(payment.Dismiss): {"%s decided not to give the order", "%s تصمیم گرفت سفارش داده نشود"},
	string(payment.Ack):     {"%s noted that the shop has it", "%s ثبت کرد که فروشگاه آن را دارد"},
	string(payment.Reverse): {"%s noted that the money went back", "%s ثبت کرد که پول برگشته است"},
	"again":                 {"%s had it handed over again", "%s خواست دوباره سپرده شود"},
}

// History is everything that the record remembers, oldest first.
//
// Invariant: what a provider dates to the second never stands before a mark of
// ours that it must have followed and that lies in the same second.
func History(r *payment.Record, l lang.Lang) []Step {
	type placed struct {
		Step
		at time.Time
	}
	var steps []placed
	put := func(at, place time.Time, t lang.Text, values ...string) {
		if !at.IsZero() {
			steps = append(steps, placed{Step{at, lang.WhenExactly(at, l), fill(t.In(l), values...)}, place})
		}
	}
	add := func(at time.Time, t lang.Text, values ...string) { put(at, at, t, values...) }
	start := lang.Text{"A return from the bank made it known", "با بازگشتی از بانک شناخته شد"}
	switch {
	case r.Expect.Checkout:
		start = lang.Text{"Our checkout started it", "صفحهٔ پرداخت ما آن را آغاز کرد"}
	case r.Expect.Source == payment.FromIntent:
		start = lang.Text{"The shop announced it", "فروشگاه آن را اعلام کرد"}
	}
	add(r.CreatedAt, start)
	if q := r.Return; q != nil {
		add(q.Arrived, lang.Text{"The customer came back from the bank", "مشتری از بانک برگشت"})
	}
	a := r.Attempts
	add(a.First, lang.Text{"The provider was asked for the first time", "نخستین بار از ارائه‌دهنده پرسیده شد"})
	add(a.Awaiting, lang.Text{"The provider said: paid, waiting to be confirmed", "ارائه‌دهنده گفت: پرداخت شده و در انتظار تأیید است"})
	if a.Count > 1 {
		add(a.Last, lang.Text{"The provider was asked, attempt %s", "از ارائه‌دهنده پرسیده شد، بار %s"}, count(a.Count, l))
	}
	if rc := r.Receipt; rc != nil {
		paid := behind(rc.PaidAt, r.CreatedAt)
		put(rc.PaidAt, paid, lang.Text{"The customer paid, says the provider", "به گفتهٔ ارائه‌دهنده مشتری پرداخت کرد"})
		settled := lang.Text{"Settled, says the provider", "به گفتهٔ ارائه‌دهنده قطعی شد"}
		if rc.Again {
			settled = lang.Text{"Settled before, says the provider", "به گفتهٔ ارائه‌دهنده پیش‌تر قطعی شده بود"}
		}
		put(rc.VerifiedAt, behind(rc.VerifiedAt, r.CreatedAt, paid, a.First, a.Last), settled)
	}
	d := r.Delivery
	add(d.First, lang.Text{"It was handed to the shop", "به فروشگاه سپرده شد"})
	if d.Count > 1 {
		add(d.Last, lang.Text{"It was handed to the shop, attempt %s", "به فروشگاه سپرده شد، بار %s"}, count(d.Count, l))
	}
	if c := r.Conversion; c != nil {
		add(c.Track.At, lang.Text{"The visitor came from the affiliate network", "بازدیدکننده از شبکهٔ همکاری آمد"})
		add(c.SentAt, lang.Text{"The sale was reported to the affiliate network", "فروش به شبکهٔ همکاری گزارش شد"})
	}
	for _, n := range r.Notes {
		t, ok := actions[n.Action]
		if !ok {
			t = lang.Text{"%s decided", "%s تصمیم گرفت"}
		}
		by := n.By
		if by == "" {
			by = lang.Text{"somebody", "یک نفر"}.In(l)
		}
		if n.Text != "" {
			t[0], t[1] = t[0]+": “%s”", t[1]+": «%s»"
		}
		add(n.At, t, by, n.Text)
	}
	add(r.UpdatedAt, lang.Text{"Now: %s", "اکنون: %s"}, StateName(r.State, l))
	slices.SortStableFunc(steps, func(a, b placed) int { return a.at.Compare(b.at) })
	sorted := make([]Step, len(steps))
	for i, s := range steps {
		sorted[i] = s.Step
	}
	return sorted
}

// behind is where a time that was cut to the second stands: not before the last
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
