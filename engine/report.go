package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/rahgir/caddy-payments/internal/failpoint"
	"github.com/rahgir/caddy-payments/payment"
)

// openConversion commits, with `verified`, that a conversion is to be reported
// (rule 11). The track may still be unknown: a POST return brings no cookie.
func (e *Engine) openConversion(r *payment.Record, now time.Time) {
	if len(e.Affiliates) == 0 {
		r.Conversion = nil
		return
	}
	if r.Conversion == nil {
		r.Conversion = &payment.Conversion{}
	}
	sum := sha256.Sum256([]byte("payment.verified\n" + r.Issuer + "\n" + r.ID))
	c := r.Conversion
	c.EventID, c.State, c.Since = hex.EncodeToString(sum[:16]), payment.ConversionOpen, now
}

// notedFor is how long a track noted at the shop's redirect is kept.
const notedFor = 24 * time.Hour

// Note keeps whose visit a payment began with, for attribution only.
func (e *Engine) Note(ctx context.Context, issuer, id string, t payment.Track) error {
	return e.Store.PutTrack(ctx, noteName(issuer, id), t, e.now().Add(notedFor))
}

func noteName(issuer, id string) string {
	return "noted-" + hex.EncodeToString(payment.IntentKey(issuer, id).Hash())
}

// noted is the track of Note, if there is one and it is needed.
func (e *Engine) noted(ctx context.Context, r *payment.Record) *payment.Track {
	if r.Conversion == nil || r.Conversion.Track.ID != "" || r.Delivery.Count > 0 {
		return nil
	}
	t, err := e.Store.Track(ctx, noteName(r.Issuer, r.ID))
	if err != nil {
		return nil
	}
	return &t
}

// joinTrack joins the visitor's track at the start of the first delivery. A
// conversion that never found its track is dropped. It reports whether
// something was joined that must be durable.
func (e *Engine) joinTrack(r *payment.Record, t *payment.Track) bool {
	c := r.Conversion
	if c == nil || c.State != payment.ConversionOpen || r.Delivery.Count > 0 {
		return false
	}
	if c.Track.ID == "" && t != nil {
		if _, ok := e.Affiliates[t.Affiliate]; ok {
			c.Track = *t
		}
	}
	if c.Track.ID == "" {
		r.Conversion = nil
		return false
	}
	return true
}

// errNoAffiliate: conversions wait for a network that the configuration has no
// more, or calls by another name.
var errNoAffiliate = errors.New("conversions wait for an affiliate that is no longer configured; restore its name to report them")

// report tells the affiliate of one conversion. The try is on record before a
// byte goes out, so that two workers never make the same one.
func (e *Engine) report(ctx context.Context, rec *payment.Record) error {
	c := rec.Conversion
	now := e.now()
	aff, ok := e.Affiliates[c.Track.Affiliate]
	if !ok && e.pause(c.Track.Affiliate) {
		e.observe(EventPaused, rec, errNoAffiliate, true)
	}
	if !ok || e.isPaused(c.Track.Affiliate) {
		c.Next = now.Add(2 * time.Minute)
		rec.Due = c.Next
		e.Shared.stall(rec.Ref)
		return ignoreConflict(e.commit(ctx, rec, true))
	}
	c.Tries++
	c.Unanswered++
	c.Next = now.Add(time.Minute)
	rec.Due = c.Next
	if err := e.commit(ctx, rec, true); err != nil {
		return ignoreConflict(err)
	}
	start := e.now()
	callCtx, cancel := context.WithTimeout(ctx, 30*time.Second)
	a := aff.Report(callCtx, c)
	cancel()
	failpoint.Hit(failpoint.ConversionSent)
	return e.reported(ctx, rec, a, e.now().Sub(start))
}

// reported records what became of a try. Whoever else wrote to the record
// meanwhile (a buyer who opened the paid page) must not make it be forgotten: it
// would be reported again.
func (e *Engine) reported(ctx context.Context, rec *payment.Record, a payment.ReportAnswer, took time.Duration) error {
	try := rec.Conversion.Tries
	for range claimTries {
		name, alert := e.outcome(rec, a)
		err := e.commit(ctx, rec, true)
		if err == nil {
			if a.Outcome == payment.ReportUnauthorized {
				e.Shared.stall(rec.Ref)
			}
			e.Observer.Observe(Event{Name: name, Record: rec, Err: a.Err, Alert: alert, Took: took})
			return nil
		}
		if !errors.Is(err, payment.ErrConflict) {
			return err
		}
		if rec, err = e.Store.Get(ctx, rec.Ref); err != nil {
			return err
		}
		if c := rec.Conversion; c == nil || c.Tries != try || c.State != payment.ConversionOpen {
			return nil
		}
	}
	return payment.ErrConflict
}

// outcome changes a record as the network's answer says.
func (e *Engine) outcome(rec *payment.Record, a payment.ReportAnswer) (name string, alert bool) {
	c, now := rec.Conversion, e.now()
	if a.Unsent || a.Outcome != payment.ReportRetry {
		c.Unanswered--
	}
	c.Last = a.Code
	name = EventUnconverted
	rec.Due, c.Next = time.Time{}, time.Time{}
	switch a.Outcome {
	case payment.ReportAccepted:
		name, c.State, c.SentAt = EventConverted, payment.ConversionSent, now
	case payment.ReportRejected:
		alert, c.State = true, payment.ConversionRejected
		if c.Unanswered > 0 {
			c.State = payment.ConversionPerhaps
		}
	case payment.ReportUnauthorized:
		name, alert = EventPaused, true
		e.pause(c.Track.Affiliate)
		c.Next = now.Add(2 * time.Minute)
		rec.Due = c.Next
	case payment.ReportRetry:
		at, ok := afterReport(c, now, a.RetryAfter, e.Rand())
		if !ok {
			alert, c.State = true, payment.ConversionParked
			break
		}
		c.Next, rec.Due = at, at
	}
	rec.UpdatedAt = now
	return name, alert
}

func (e *Engine) isPaused(name string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.paused[name]
}

// pause reports whether it was not paused before.
func (e *Engine) pause(name string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.paused[name] {
		return false
	}
	e.paused[name] = true
	return true
}

// Paused lists the affiliates that refuse our token or are configured no more; a
// changed configuration is a new engine and tries them again.
func (e *Engine) Paused() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var names []string
	for n := range e.paused {
		names = append(names, n)
	}
	return names
}

func ignoreConflict(err error) error {
	if errors.Is(err, payment.ErrConflict) {
		return nil
	}
	return err
}
