package engine

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rahgir/caddy-payments/engine/limit"
	"github.com/rahgir/caddy-payments/payment"
)

// Observing a shop that verifies by itself, without a relay. What its customers' returns
// are answered with is seen, and the provider is asked afterwards by inquiry, never by
// verify: nothing here settles anything, and nothing holds the shop's answer up.

// Events of observing.
const (
	// EventUnpriced: a visit of an affiliate's led to a payment whose amount nobody
	// tells, so that its sale can't be reported.
	EventUnpriced = "observed_without_amount"
	// EventUnverifiedCredit: the shop answered its own return as if it had credited,
	// and the payment is still not verified.
	EventUnverifiedCredit = "credited_without_verify"
	// EventUnwatched: more returns came than the account may be asked about, so that some are
	// not asked about.
	EventUnwatched = "observed_dropped"
)

// Seen is a customer's return to a shop that verifies by itself, after the shop has
// answered it.
type Seen struct {
	Site, Route, Provider string
	// Formerly are the site's other names.
	Formerly []string
	Claimed  payment.Claimed
	// Order and Amount are what the shop's answer says of the payment, if anything.
	Order  string
	Amount payment.Rials
	// Track is the visit that the browser remembers, nil without one.
	Track *payment.Track
	// Page is how the shop answered.
	Page payment.ShopPage
	// Paid: by its answer the shop says that it is paid.
	Paid bool
	// Asks: the provider is asked whether it was verified.
	Asks bool
	// Client is what strangers are counted by.
	Client string
}

// Saw notes a return, and what it proves.
func (e *Engine) Saw(ctx context.Context, s Seen) error {
	ctx = context.WithoutCancel(ctx)
	prov, err := e.provider(s.Provider)
	if err != nil {
		return err
	}
	if err := e.Store.Ready(); err != nil {
		return err
	}
	if !e.begin() {
		return payment.ErrClosed
	}
	defer e.running.Done()
	e.Shared.sawReturn(prov.Terms().Issuer)
	for range claimTries {
		err := e.saw(ctx, prov, s)
		if !errors.Is(err, payment.ErrConflict) {
			return err
		}
	}
	return payment.ErrConflict
}

func (e *Engine) saw(ctx context.Context, prov Provider, s Seen) error {
	rec, err := e.seenBefore(ctx, prov, s)
	if err != nil {
		return err
	}
	switch {
	case rec == nil && s.Claimed.Hint == payment.HintUnpaid && !s.Paid, rec == nil && !s.Paid && !s.Asks:
		return nil // written nowhere
	case rec == nil:
		if rec, err = e.seenFirst(ctx, prov, s); err != nil {
			return err
		}
		if (!s.Paid || inquires(prov)) && !e.watchFor(ctx, prov, rec, s) {
			return nil // anybody can make returns up
		}
	case !slices.Contains(names(s.Site, s.Formerly), rec.Site) || !rec.Observe():
		return nil // somebody else sees to it
	case rec.State != payment.Created:
		return nil // it is known already
	}
	now := e.now()
	rec.Route = s.Route
	if s.Order != "" && rec.Version == 0 {
		rec.Order = s.Order
	}
	if s.Amount > 0 && !rec.Expect.Known() {
		rec.Expect = payment.Expectation{Amount: s.Amount, Source: payment.FromIntent}
	}
	if s.Track != nil && rec.Track.ID == "" {
		if _, ok := e.Affiliates[s.Track.Affiliate]; ok {
			rec.Track = *s.Track
		}
	}
	rec.Observed.At, rec.UpdatedAt = now, now
	if rec.Observed.Page != payment.PageGood { // whoever comes again hears "already verified", which shops refuse
		rec.Observed.Page = s.Page
	}
	if s.Paid && !inquires(prov) {
		return e.said(ctx, prov, rec, s)
	}
	if s.Asks || s.Paid {
		rec.Due = now.Add(watchLook)
	}
	return e.commit(ctx, rec, true)
}

// seenBefore is the record of an id, however it came into the ledger; nil without an
// error where there is none.
func (e *Engine) seenBefore(ctx context.Context, prov Provider, s Seen) (*payment.Record, error) {
	rec, err := e.relayFind(ctx, prov, Relay{Ask: payment.RelayAsk{ID: s.Claimed.ID}})
	if rec != nil || err != nil {
		return rec, err
	}
	rec, err = e.Store.Get(ctx, seenRef(s.Site, prov, s.Claimed.ID))
	return rec, ignoreNotFound(err)
}

// seenRef names what is known by its customer's return alone. It holds no key, so that
// an id that somebody made up stands in no true payment's way.
func seenRef(site string, prov Provider, id string) payment.Ref {
	return payment.NewRef(site, "observed|"+prov.Terms().Issuer, id, "")
}

// seenRefOf is the reference that a record has if only a return named it.
func seenRefOf(rec *payment.Record) payment.Ref {
	return payment.NewRef(rec.Site, "observed|"+rec.Issuer, rec.ID, "")
}

func (e *Engine) seenFirst(ctx context.Context, prov Provider, s Seen) (*payment.Record, error) {
	return e.newRecord(ctx, prov.Terms(), payment.Record{
		Ref: seenRef(s.Site, prov, s.Claimed.ID), Site: s.Site, Route: s.Route, Provider: s.Provider,
		ID: s.Claimed.ID, Order: cmp.Or(s.Claimed.Order, s.Claimed.ID), Observed: new(payment.Observed),
	})
}

// witness records that the shop has verified. Its sale is reported, unless the shop's
// own answer was a refusal.
// Where there is a doubt about which payment was meant, no sale is reported. take are keys that
// the record takes besides its own.
func (e *Engine) witness(ctx context.Context, prov Provider, rec *payment.Record, rc *payment.Receipt, doubt error, take ...payment.Key) error {
	// A relay or a verify route that has met the payment since knows more.
	if other, err := e.relayFind(ctx, prov, Relay{Ask: payment.RelayAsk{ID: rec.ID}}); err != nil || other != nil && other.Ref != rec.Ref {
		return errors.Join(err, e.unseen(ctx, rec))
	}
	now := e.now()
	if rc != nil && rc.Order != "" && rec.Expect.Source != payment.FromIntent {
		rec.Order = rc.Order
	}
	price := rec.Expect.Amount
	if rc != nil && price == 0 {
		price = rc.Amount
	}
	unpriced := false
	if rec.Observed.Page != payment.PageRefused {
		track := e.noted(ctx, rec)
		if price > 0 && doubt == nil {
			e.joinTrack(rec, track)
			rec.DoubtSale()
		} else {
			unpriced = rec.Track.ID != "" || track != nil
		}
	}
	if err := rec.Witness(rc, now); err != nil {
		return err
	}
	// Which order may be paid how often is the shop's to decide.
	err := e.commit(ctx, rec, false, append(rec.Keys(true), take...)...)
	var taken *payment.TakenError
	switch {
	case errors.As(err, &taken) && taken.Key.Kind == payment.KeySold:
		return payment.ErrConflict // another was quicker: look again
	case errors.As(err, &taken):
		fresh, err := e.Store.Get(ctx, rec.Ref)
		if err != nil {
			return ignoreNotFound(err)
		}
		return e.unseen(ctx, fresh)
	case err != nil:
		return err
	}
	e.Shared.limits.Leave(string(rec.Ref))
	e.observe(EventDelivered, rec, nil, false)
	if unpriced {
		e.observe(EventUnpriced, rec, cmp.Or(doubt, errUnpriced), true)
	}
	e.wakeWorker()
	return nil
}

var errUnpriced = errors.New("nobody tells the amount of a payment that an affiliate's visit led to: let the shop's answer carry X-Payment-Order and X-Payment-Amount, or use the relay")

// unseen ends what another record knows more of.
func (e *Engine) unseen(ctx context.Context, rec *payment.Record) error {
	e.Shared.limits.Leave(string(rec.Ref))
	if rec.Version == 0 || rec.State != payment.Created {
		return nil
	}
	if err := rec.EndUnasked(payment.Lapse, payment.ReasonForeign, e.now()); err != nil {
		return err
	}
	return e.reschedule(ctx, rec, e.now().Add(strangerKept))
}

// watchSteps are how long after the shop's answer its provider is asked again, which
// says that the payment is not verified.
var watchSteps = []time.Duration{3 * time.Minute, 10 * time.Minute, time.Hour}

// observedDue does the next thing for an observed payment. It is done for it whatever
// its state: none of our other work is about such a payment.
func (e *Engine) observedDue(ctx context.Context, rec *payment.Record) error {
	now := e.now()
	switch {
	case rec.State == payment.Declined || rec.State == payment.Expired:
		e.Shared.limits.Leave(string(rec.Ref))
		if err := e.Store.Forget(ctx, rec.Ref, rec.Version); !errors.Is(err, payment.ErrConflict) {
			return err
		}
		return e.reschedule(ctx, rec, time.Time{})
	case rec.State != payment.Created:
		return e.reschedule(ctx, rec, time.Time{})
	case rec.Observed.At.IsZero() && rec.Attempts.Awaiting.IsZero():
		if ends := rec.CreatedAt.Add(relayLink); now.Before(ends) {
			return e.reschedule(ctx, rec, ends)
		}
		return e.unpaid(ctx, rec)
	}
	prov, err := e.providerFor(rec)
	if err != nil {
		return e.orphaned(ctx, rec, err)
	}
	if !inquires(prov) {
		if ends := rec.CreatedAt.Add(relayLink); now.Before(ends) {
			return e.reschedule(ctx, rec, ends)
		}
		return e.watchEnds(ctx, rec)
	}
	if e.watchAway(rec) {
		return e.awaitRoute(ctx, rec)
	}
	// The question after a replay is one that nothing else can answer, and so is the one before
	// a return that waited for its route.
	again := rec.Observed.Asks > 0 && rec.Observed.ReplayedAt.IsZero() && !(rec.Reason == payment.ReasonUnclaimed && e.mayReplay(rec))
	at, given := now, e.Shared.limits.Given(rec.Issuer, string(rec.Ref))
	ok := given
	if !given {
		at, ok = e.Shared.mayWatch(rec.Issuer, again, rec.Ref != seenRefOf(rec), now)
	}
	if !ok {
		switch since := now.Sub(later(rec.Observed.At, rec.Attempts.Awaiting)); {
		case again && since >= watchSteps[len(watchSteps)-1]:
			return e.watchEnds(ctx, rec) // others had the questions
		case since > intentKept:
			return e.unpaid(ctx, rec)
		}
		return e.reschedule(ctx, rec, at)
	}
	if !given {
		if ok, err := e.watchTurn(ctx, rec, now); err != nil || !ok {
			return ignoreConflict(err)
		}
	}
	a, asked := e.inquire(ctx, prov, rec, true)
	if !asked {
		return e.reschedule(ctx, rec, now.Add(limit.BreakerMost))
	}
	e.Shared.limits.Leave(string(rec.Ref))
	rec.Observed.Asks++
	switch a.Outcome {
	case payment.OutcomeAgain:
		return ignoreConflict(e.witness(ctx, prov, rec, a.Receipt, nil))
	case payment.OutcomeBusy:
		return e.reschedule(ctx, rec, e.Shared.pauseWatching(rec.Issuer, e.now()))
	case payment.OutcomeOperator:
		e.observe(EventOperator, rec, a.Err, true)
	case payment.OutcomeAwaiting:
		return e.observedAwaiting(ctx, prov, rec)
	}
	return e.watchOn(ctx, rec)
}

// watchAway: the return of a payment that was seen paid would be made, but no route takes it now.
//
// Invariant: its one question before a return is kept until the route is back. After an hour it
// is asked about all the same, so that a person hears of it, and goes on waiting.
func (e *Engine) watchAway(rec *payment.Record) bool {
	o, since := rec.Observed, e.now().Sub(rec.Attempts.Awaiting)
	return o.At.IsZero() && o.ReplayedAt.IsZero() && !rec.Attempts.Awaiting.IsZero() && e.now().Before(rec.CreatedAt.Add(relayLink)) &&
		(since < watchSteps[len(watchSteps)-1] || rec.Reason == payment.ReasonUnclaimed) && e.rescues(rec) == RescueAway
}

// watchOn sets when to ask again about what is not verified.
func (e *Engine) watchOn(ctx context.Context, rec *payment.Record) error {
	since := later(rec.Observed.At, rec.Attempts.Awaiting)
	for _, after := range watchSteps {
		if at := since.Add(after); at.After(e.now().Add(time.Second)) {
			return e.reschedule(ctx, rec, at)
		}
	}
	return e.watchEnds(ctx, rec)
}

// watchEnds gives up asking.
func (e *Engine) watchEnds(ctx context.Context, rec *payment.Record) error {
	if rec.Attempts.Awaiting.IsZero() {
		return e.unpaid(ctx, rec)
	}
	news, err := e.paidUnverified(ctx, rec)
	if news {
		e.observe(EventUnclaimed, rec, nil, true)
	}
	return err
}

// paidUnverified records that a payment was paid and that its shop has not verified it. A
// person hears of it once: news says that nobody has.
//
// Invariant: once its pay link has ended nothing is due of it any more, whatever its provider
// goes on saying; it stays what a person was told.
func (e *Engine) paidUnverified(ctx context.Context, rec *payment.Record) (news bool, err error) {
	news = rec.Reason != payment.ReasonUnclaimed
	rec.Reason, rec.Due = payment.ReasonUnclaimed, rec.CreatedAt.Add(relayLink)
	switch now := e.now(); {
	case e.watchAway(rec):
		rec.Due = now.Add(watchAgain)
	case !now.Before(rec.Due):
		rec.Due = time.Time{}
	}
	err = e.commit(ctx, rec, false)
	return news && err == nil, ignoreConflict(err)
}

func (e *Engine) unpaid(ctx context.Context, rec *payment.Record) error {
	e.Shared.limits.Leave(string(rec.Ref))
	if err := rec.EndUnasked(payment.Lapse, payment.ReasonNotPaid, e.now()); err != nil {
		return err
	}
	return e.reschedule(ctx, rec, later(e.now(), rec.CreatedAt.Add(strangerKept)))
}

// observedAwaiting looks after a payment that is paid and that its shop has not
// verified. Where its return address is known and the site lets us, the shop's own
// return is made, once; then the provider is asked again.
func (e *Engine) observedAwaiting(ctx context.Context, prov Provider, rec *payment.Record) error {
	now := e.now()
	o := rec.Observed
	// A return without what verify must be told would only fail.
	replays := o.At.IsZero() && e.mayReplay(rec) && !proofless(prov.Terms(), rec)
	switch {
	case !o.ReplayedAt.IsZero():
		return e.stillUnverified(ctx, rec)
	case rec.Attempts.Awaiting.IsZero():
		rec.Attempts.Awaiting = now // its customer may be on the way back
		if replays {
			rec.Due = now.Add(browserGrace)
			return ignoreConflict(e.commit(ctx, rec, true))
		}
	case replays:
		return e.replayObserved(ctx, rec)
	}
	return e.watchOn(ctx, rec)
}

// replayObserved makes the shop's own return, which is on record before.
func (e *Engine) replayObserved(ctx context.Context, rec *payment.Record) error {
	leave, ok := e.enterReplay(rec.Site)
	if !ok {
		return e.reschedule(ctx, rec, e.now().Add(5*time.Second))
	}
	defer leave()
	now := e.now()
	rec.Observed.ReplayedAt, rec.Due = now, now.Add(PageLimit)
	if rec.Reason == payment.ReasonUnclaimed {
		rec.Reason = "" // what this return shows is news
	}
	if err := e.commit(ctx, rec, false); err != nil {
		return ignoreConflict(err)
	}
	got, panicked := e.madeReturn(ctx, rec)
	why := missed(got, calling{})
	fresh, err := e.Store.Get(ctx, rec.Ref)
	if err != nil || fresh.State != payment.Created {
		return errors.Join(err, panicked)
	}
	if panicked == nil && why != "" {
		return e.missedReturn(ctx, fresh, why)
	}
	fresh.Observed.Page = got.Page
	fresh.Due = e.now().Add(watchLook)
	return errors.Join(ignoreConflict(e.commit(ctx, fresh, true)), panicked)
}

// stillUnverified is what the inquiry after a replay says: the plugin did not verify.
func (e *Engine) stillUnverified(ctx context.Context, rec *payment.Record) error {
	news, err := e.paidUnverified(ctx, rec)
	if !news {
		return err
	}
	if rec.Observed.Page == payment.PageGood {
		e.observe(EventUnverifiedCredit, rec, errUnverifiedCredit, true)
	}
	if !gaveUpReturning(rec) {
		e.needsSession(ctx, rec)
	}
	return nil
}

var errUnverifiedCredit = errors.New("the shop answered its own return as if it had credited, and the payment is still not verified: its money goes back, unless somebody verifies it in time")
