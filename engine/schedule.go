package engine

import (
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// All times are in this file. Its functions are pure.
const (
	// leaseMargin is how much longer than one call a claim lasts.
	leaseMargin = 7 * time.Second
	minLease    = 15 * time.Second
	// DeliveryTime bounds one delivery to the shop.
	DeliveryTime = 2 * time.Minute
	// SlowDelivery is how long a delivery may take before the owner is told: the customer waits
	// at the shop's page, which isn't cut.
	SlowDelivery  = 30 * time.Second
	deliveryLease = DeliveryTime + 15*time.Second
	// browserGrace is how long a verified payment waits for its browser before the worker
	// delivers it.
	browserGrace = 60 * time.Second
	// shopGrace is how long a payment that its shop has certainly not taken waits for the
	// same browser to come again, where without it the payment is only parked: nothing can
	// be credited before the shop is back, and WordPress's maintenance says ten minutes.
	shopGrace = 10 * time.Minute
	// siteWait is when to look again at a payment whose site is not configured now.
	siteWait = 30 * time.Second
	// reaskKnown and reaskStranger are how soon a new return may have the provider asked
	// again about a declined payment.
	reaskKnown    = 5 * time.Second
	reaskStranger = 10 * time.Second
	// joinSpan is how much later than the return that is being settled another one may come
	// and get the same answer: a second click, a repetition by the browser.
	joinSpan = time.Second
	// workerAsksSoon is how soon the worker must ask to make a question for a return
	// unnecessary that came too soon.
	workerAsksSoon = time.Minute
	// assumedWindow is the window if a provider's document names none.
	assumedWindow = 10 * time.Minute
	// strangerKept is how long a refused payment of a stranger stays on record.
	strangerKept = 24 * time.Hour
	// intentKept is how long the worker asks about an intent that nobody paid.
	intentKept = 24 * time.Hour
	// unclaimedKept is how long an intent of our own checkout stays on record that nobody
	// paid and nobody claimed. Anybody can press Pay.
	unclaimedKept = 7 * 24 * time.Hour
	// reportFor is how long a report to a network is tried, and tellFor one to a webhook.
	reportFor = 7 * 24 * time.Hour
	tellFor   = 3 * 24 * time.Hour
)

// claimed returns when the payment was claimed: by the last return or, without one, by our
// first question. The worker may have asked about an intent long before its customer paid.
func claimed(r *payment.Record) time.Time {
	if arrived(r) {
		return later(r.Attempts.First, r.Return.Arrived)
	}
	return r.Attempts.First
}

// arrived: the record has a customer's return, not only an address for one.
func arrived(r *payment.Record) bool { return r.Return != nil && !r.Return.Arrived.IsZero() }

func window(t payment.Terms) time.Duration {
	if t.Window > 0 {
		return t.Window
	}
	return assumedWindow
}

// afterSilence returns when to ask again after an attempt without an answer: soon at first,
// steadily inside the provider's window, hourly for three days. The second result is false
// when it is time to give up and leave it to a person.
func afterSilence(r *payment.Record, t payment.Terms, now time.Time, wait time.Duration, jitter float64) (time.Time, bool) {
	since := now.Sub(claimed(r))
	if since > payment.Patience {
		return time.Time{}, false
	}
	d := time.Hour
	if since < window(t) {
		d = step(r.Attempts.Count, 30*time.Second, time.Second, 2*time.Second, 4*time.Second, 8*time.Second, 15*time.Second)
		if wait > time.Minute {
			wait = time.Minute
		}
	}
	d = spread(d, 0.2, jitter)
	if wait > d && wait <= time.Hour {
		d = wait
	}
	return now.Add(d), true
}

// afterRefusal returns when the worker asks again after a "no" to a return that did not say
// "unpaid": after 30 s, after 3 min, and just before the window's end (rule 9). Zero means
// never.
func afterRefusal(r *payment.Record, t payment.Terms, now time.Time) time.Time {
	if !r.Attempts.Claimed {
		return time.Time{}
	}
	for _, at := range []time.Duration{30 * time.Second, 3 * time.Minute, window(t) - 45*time.Second} {
		if due := claimed(r).Add(at); due.After(now.Add(time.Second)) {
			return due
		}
	}
	return time.Time{}
}

// firstLook returns when the worker first looks at an intent. An intent without a return
// address can't be delivered, so it isn't settled if its customer never returns. But if
// the provider supports inquiries it is asked once, near the end of the window, so that a
// person hears of a payment.
func (e *Engine) firstLook(rec *payment.Record, prov Provider) time.Time {
	if rec.Observed != nil {
		return rec.CreatedAt.Add(relayLink)
	}
	if rec.Relay != nil {
		return e.relayFirstLook(rec, prov)
	}
	if rec.Return != nil {
		return nextUnasked(rec, inquires(prov), e.now())
	}
	if inquires(prov) {
		return rec.CreatedAt.Add(window(prov.Terms()) - time.Minute)
	}
	return time.Time{}
}

// nextUnasked returns when to ask about a payment whose customer never returned. Zero means
// never again.
func nextUnasked(r *payment.Record, canInquire bool, now time.Time) time.Time {
	age := now.Sub(r.CreatedAt)
	if age > intentKept {
		return time.Time{}
	}
	if !canInquire {
		// A verify settles or costs goodwill: three times at most.
		for n, at := range []time.Duration{4 * time.Minute, 9 * time.Minute, time.Hour} {
			if n >= r.Attempts.Unasked {
				return later(r.CreatedAt.Add(at), now.Add(time.Minute))
			}
		}
		return time.Time{}
	}
	switch {
	case age < time.Minute:
		return r.CreatedAt.Add(time.Minute)
	case age < time.Hour:
		return now.Add(4 * time.Minute)
	}
	return now.Add(time.Hour)
}

// afterMiss returns when to repeat a delivery without proof; false after three days.
func afterMiss(r *payment.Record, now time.Time, jitter float64) (time.Time, bool) {
	if now.Sub(r.Delivery.First) > payment.Patience {
		return time.Time{}, false
	}
	d := step(r.Delivery.Count, time.Hour, 5*time.Second, 15*time.Second, 45*time.Second, 2*time.Minute, 5*time.Minute, 15*time.Minute, 30*time.Minute)
	return now.Add(spread(d, 0.2, jitter)), true
}

// afterReport returns when to try a report again; false and zero after a week, for a webhook
// after three days.
func afterReport(p *payment.Report, now time.Time, wait time.Duration, jitter float64) (time.Time, bool) {
	most := reportFor
	d := step(p.Tries, 6*time.Hour, 5*time.Second, 30*time.Second, 2*time.Minute, 10*time.Minute, 30*time.Minute, time.Hour, 2*time.Hour, 4*time.Hour)
	if !p.Kind.Conversion() {
		most = tellFor
		d = step(p.Tries, 10*time.Hour, 5*time.Second, time.Minute, 5*time.Minute, 30*time.Minute, 2*time.Hour, 5*time.Hour)
	}
	if now.Sub(p.Since) > most {
		return time.Time{}, false
	}
	d = spread(d, 0.25, jitter)
	if wait > d && wait <= 24*time.Hour {
		d = wait
	}
	return now.Add(d), true
}

// heldUntil is when the receiver of a report that is told together with others is asked
// again whether it was; zero once it has been held for as long as it may be tried.
func heldUntil(p *payment.Report, now time.Time, wait time.Duration) time.Time {
	if now.Sub(p.Since) > tellFor {
		return time.Time{}
	}
	return now.Add(min(max(wait, time.Second), 24*time.Hour))
}

// step returns how long to wait after the nth try: as the steps say, and last after that.
func step(n int, last time.Duration, steps ...time.Duration) time.Duration {
	if n < 1 || n > len(steps) {
		return last
	}
	return steps[n-1]
}

// spread moves d by up to ±part; jitter is in [0,1).
func spread(d time.Duration, part, jitter float64) time.Duration {
	return time.Duration(float64(d) * (1 - part + 2*part*jitter))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
