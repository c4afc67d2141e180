package engine

import (
	"context"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/rahgir/caddy-payments/internal/failpoint"
	"github.com/rahgir/caddy-payments/payment"
)

// fillOutbox adds the reports that a change causes to the record that is about to be
// committed.
//
// Invariant: reports are committed with the state that caused them, whoever changed the
// record. So a webhook misses no state, and hears of none that was not committed.
func (e *Engine) fillOutbox(ctx context.Context, r *payment.Record) error {
	now := e.now()
	if r.State == payment.Reversed && r.Was() != "" {
		if open, _ := r.OpenConversions(); open {
			gen, err := e.generation(ctx)
			if err != nil {
				return err
			}
			if p := r.Sale(); p != nil && p.PerhapsSent(gen.Seq) {
				r.LoseReport(p, now)
			}
		}
		cancels := false
		if p := r.Sale(); p != nil {
			c, ok := e.Affiliates[p.To].(payment.Canceler)
			cancels = ok && c.Cancels()
		}
		r.Withdraw(cancels, now)
	}
	for _, kind := range r.News() {
		e.announceTo(r, kind, now)
	}
	if _, fresh := r.OpenConversions(); fresh {
		gen, err := e.generation(ctx)
		if err != nil {
			return err
		}
		r.StampReports(gen.Seq)
	}
	r.Settle()
	return nil
}

// announceTo opens a message to each webhook that wants this kind.
func (e *Engine) announceTo(r *payment.Record, kind payment.ReportKind, now time.Time) {
	for _, name := range slices.Sorted(maps.Keys(e.Webhooks)) {
		if !e.Webhooks[name].Wants(kind) || e.gone(name) {
			continue
		}
		next := now
		if kind == payment.TellVerified && arrived(r) {
			next = now.Add(tellGrace) // its browser hands it over just now
		}
		r.AddReport(payment.Report{To: name, Kind: kind, Since: now, Next: next})
	}
}

// tellGrace is how long a webhook waits for the delivery by the browser, so that the two don't
// change the record at the same moment.
const tellGrace = 2 * time.Second

// sell opens the report of the sale, to be committed with `verified` (rule 11). The track may
// still be unknown, because a return by POST brings no cookie. If the network has left the
// configuration since the visit, the report waits for it, and the owner is alerted.
func (e *Engine) sell(r *payment.Record, now time.Time) {
	if len(e.Affiliates) > 0 {
		r.Sell(now)
	}
}

// notedFor is how long a track is kept that was noted at the shop's redirect.
const notedFor = 24 * time.Hour

// Note records the affiliate visit with which a payment began, for attribution only.
func (e *Engine) Note(ctx context.Context, issuer, id string, t payment.Track) error {
	return e.Store.PutTrack(ctx, noteName(issuer, id), t, e.now().Add(notedFor))
}

func noteName(issuer, id string) string {
	return "noted-" + hex.EncodeToString(payment.IntentKey(issuer, id).Hash())
}

// noted returns the track of Note, if there is one and it is needed.
func (e *Engine) noted(ctx context.Context, r *payment.Record) *payment.Track {
	if len(e.Affiliates) == 0 || r.Track.ID != "" || r.Delivery.Count > 0 {
		return nil
	}
	t, err := e.Store.Track(ctx, noteName(r.Issuer, r.ID))
	if err != nil {
		return nil
	}
	return &t
}

// joinTrack joins the visitor's track at the start of the first delivery, and opens the report
// of the sale. It reports whether the record changed in a way that must be durable.
func (e *Engine) joinTrack(r *payment.Record, t *payment.Track) bool {
	if r.Delivery.Count > 0 || r.Sale() != nil {
		return false
	}
	if r.Track.ID == "" && t != nil {
		if _, ok := e.Affiliates[t.Affiliate]; ok {
			r.Track = *t
		}
	}
	e.sell(r, e.now())
	return r.Sale() != nil
}

// Errors of reports that wait for the owner.
var (
	errNoAffiliate = errors.New("conversions wait for an affiliate that is no longer configured; restore its name to report them")
	errGone        = errors.New("the webhook answered 410 (gone): nothing more is sent to it until the configuration is loaded again; mend its address, or take it out of the configuration")
)

// reporter returns the Reporter for a report, nil if the configuration has none.
func (e *Engine) reporter(p *payment.Report) payment.Reporter {
	if p.Kind.Conversion() {
		return e.Affiliates[p.To]
	}
	return e.Webhooks[p.To]
}

// receiver returns a name for a report's receiver that is unique among networks and webhooks.
func receiver(p *payment.Report) string {
	if p.Kind.Conversion() {
		return p.To
	}
	return "webhook " + p.To
}

// reportAgain is when to try a report again whose receiver accepts none now.
const reportAgain = 2 * time.Minute

// sale names a report of a network's.
type sale struct {
	ref  payment.Ref
	to   string
	kind payment.ReportKind
}

// report sends one report. The try is on record before a byte is sent, so that two workers
// never make the same one.
//
// Invariants: a report never changes a record while its provider is asked, because the answer
// would find the record changed: it waits. What a network has accepted is not sent again by this
// process, also if the ledger could not keep that, or lost it in a crash of its own.
func (e *Engine) report(ctx context.Context, rec *payment.Record) error {
	i := rec.NextReport()
	if i < 0 || rec.Reports[i].Next.After(e.now()) || e.ending.Load() {
		return nil
	}
	p := &rec.Reports[i]
	now := e.now()
	to := e.reporter(p)
	switch {
	case rec.State == payment.Verifying:
		return nil
	case p.Kind == payment.ReportSale && rec.State != payment.Delivered:
		p.Next = time.Time{} // it waits for the delivery
		return ignoreConflict(e.commit(ctx, rec, true))
	case to == nil && !p.Kind.Conversion():
		rec.DropReport(p.To, p.Kind) // nobody wants to hear of it any more
		return ignoreConflict(e.commit(ctx, rec, true))
	case e.gone(p.To) && !p.Kind.Conversion():
		rec.ParkReport(p, "410", now)
		return ignoreConflict(e.commit(ctx, rec, true))
	}
	if lost, err := e.loseReport(ctx, rec, p); err != nil || lost {
		return err
	}
	if to == nil && e.pause(receiver(p)) {
		e.Observer.Observe(Event{Name: EventPaused, Record: rec, To: p.To, Err: errNoAffiliate, Alert: true})
	}
	if to == nil || e.isPaused(receiver(p)) {
		p.Next = now.Add(reportAgain)
		e.Shared.stall(rec.Ref)
		return ignoreConflict(e.commit(ctx, rec, true))
	}
	if code, took := e.Shared.accepted.get(sale{rec.Ref, p.To, p.Kind}); took {
		return e.reported(ctx, rec, *p, payment.ReportAnswer{Outcome: payment.ReportAccepted, Code: code}, 0)
	}
	rec.StartReport(p, now.Add(time.Minute))
	if err := e.commit(ctx, rec, true); err != nil {
		return ignoreConflict(err)
	}
	start := e.now()
	callCtx, cancel := e.whileReporting(ctx)
	callCtx, end := e.span(callCtx, SpanReport, rec.Ref)
	a := to.Report(callCtx, rec.SaleOf(*p))
	end(rec, string(p.Kind)+" "+a.Code, a.Err)
	cancel()
	if a.Outcome == payment.ReportRetry && e.cutOff() {
		return nil // the try is on record, and the next process makes another
	}
	if a.Outcome == payment.ReportAccepted && p.Kind.Conversion() {
		e.Shared.accepted.put(sale{rec.Ref, p.To, p.Kind}, a.Code, e.now())
	}
	failpoint.Hit(failpoint.ConversionSent)
	return e.reported(ctx, rec, *p, a, e.now().Sub(start))
}

// loseReport holds a network's report for a person that was open in an older generation:
// the ledger was put back or lost its tail since, and may have forgotten that it was sent
// (rule 11). Webhooks are told again, because their messages say that they may come twice.
func (e *Engine) loseReport(ctx context.Context, rec *payment.Record, p *payment.Report) (bool, error) {
	if !p.Kind.Conversion() {
		return false, nil
	}
	gen, err := e.generation(ctx)
	if err != nil || !p.PerhapsSent(gen.Seq) {
		return false, err
	}
	to, now := p.To, e.now()
	rec.LoseReport(p, now)
	e.announceTo(rec, payment.TellRejected, now)
	if err := e.commit(ctx, rec, false); err != nil {
		return true, ignoreConflict(err)
	}
	e.Observer.Observe(Event{Name: EventUnconverted, Record: rec, To: to, Code: string(payment.ReasonOldGeneration), Outcome: OutcomeParked, Alert: true})
	return true, nil
}

// reportLimit bounds one report.
const reportLimit = 30 * time.Second

// reported records how a try ended. If somebody else has changed the record meanwhile (a
// buyer who opened paid content), it tries again; otherwise the sale would be reported
// twice.
func (e *Engine) reported(ctx context.Context, rec *payment.Record, tried payment.Report, a payment.ReportAnswer, took time.Duration) error {
	var err error
	for range claimTries {
		p := rec.Report(tried.To, tried.Kind)
		if p == nil || p.Tries != tried.Tries || p.State != payment.OpenReport && p.State != payment.WithdrawnReport {
			return nil
		}
		if alive := e.Store.Alive(rec.Lease); alive && rec.State == payment.Verifying {
			<-e.Clock.After(otherOwner) // its provider is asked: not now
		} else {
			ev := e.outcome(rec, p, a)
			if err = e.commit(ctx, rec, true); err == nil {
				if a.Outcome == payment.ReportUnauthorized {
					e.Shared.stall(rec.Ref)
				}
				if ev.Name == "" {
					return nil // nobody was told yet
				}
				ev.Record, ev.To, ev.Code, ev.Took = rec, tried.To, a.Code, took
				if ev.Err == nil {
					ev.Err = a.Err
				}
				e.Observer.Observe(ev)
				return nil
			}
			if !errors.Is(err, payment.ErrConflict) {
				return err
			}
		}
		if rec, err = e.Store.Get(ctx, rec.Ref); err != nil {
			return err
		}
	}
	return payment.ErrConflict
}

// outcome changes a record according to the receiver's answer.
func (e *Engine) outcome(rec *payment.Record, p *payment.Report, a payment.ReportAnswer) (ev Event) {
	now, kind, to := e.now(), p.Kind, receiver(p)
	withdrawn := p.State == payment.WithdrawnReport
	retry := now.Add(reportAgain)
	switch a.Outcome {
	case payment.ReportRetry:
		retry, _ = afterReport(p, now, a.RetryAfter, e.Rand())
	case payment.ReportHeld:
		retry = heldUntil(p, now, a.RetryAfter)
	}
	if rec.EndReport(p, a, now, retry); withdrawn && p.State == payment.OpenReport {
		// The money went back while the network was told: it is not told again.
		p.State, p.Next = payment.WithdrawnReport, time.Time{}
	}
	good, bad := EventConverted, EventUnconverted
	if !kind.Conversion() {
		good, bad = EventTold, EventUntold
	}
	switch {
	case a.Outcome == payment.ReportAccepted:
		return Event{Name: good, Outcome: OutcomeDone}
	case a.Outcome == payment.ReportUnauthorized:
		e.pause(to)
		return Event{Name: EventPaused, Outcome: OutcomeRetried, Alert: true}
	case a.Outcome == payment.ReportGone:
		e.pause(to)
		if kind.Conversion() {
			bad = EventPaused
		}
		return Event{Name: bad, Outcome: OutcomeParked, Alert: true, Err: errGone}
	case a.Outcome == payment.ReportHeld && !retry.IsZero():
		return Event{}
	case a.Outcome == payment.ReportRetry && !retry.IsZero():
		return Event{Name: bad, Outcome: OutcomeRetried}
	}
	if kind.Conversion() {
		e.announceTo(rec, payment.TellRejected, now)
	}
	ev = Event{Name: bad, Outcome: OutcomeParked, Alert: true}
	if a.Outcome == payment.ReportRejected {
		ev.Outcome = OutcomeRejected
	}
	return ev
}

// gone: a webhook has said that it wants no more messages.
func (e *Engine) gone(webhook string) bool { return e.isPaused("webhook " + webhook) }

func (e *Engine) isPaused(name string) bool {
	_, paused := e.paused.Load(name)
	return paused
}

// pause pauses a receiver. It reports whether it was not paused before.
func (e *Engine) pause(name string) bool {
	_, paused := e.paused.LoadOrStore(name, true)
	return !paused
}

// Paused lists the receivers that refuse our token, want no more messages, or are not
// configured any more. A changed configuration makes a new engine, which tries them again.
func (e *Engine) Paused() (names []string) {
	for name := range e.paused.Range {
		names = append(names, name.(string)) //nolint:forcetypeassert // pause made it
	}
	return names
}

func ignoreConflict(err error) error {
	if errors.Is(err, payment.ErrConflict) {
		return nil
	}
	return err
}
