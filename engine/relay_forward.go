package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/rahgir/caddy-payments/engine/forwarded"
	"github.com/rahgir/caddy-payments/payment"
)

// `when_down forward`: while the ledger can't record, the shop's calls go straight
// through, each marked in a file beside the ledger. What is marked is read in as soon as
// the ledger records again: by the worker, at most a few seconds later, and at the next
// start after a crash.
//
// The invariant: what the shop may have heard in the meantime, nobody tells it again; and
// what it certainly hasn't heard is healed like any other lost answer. A create that passed
// binds its return and its verify at once, not only when it is read in.

// PassThrough carries one call that can't be remembered. It needs no engine: the store
// may not even be open. made is the answer to a call that was made already, and could not
// be recorded. The error says that the call is not marked; it passed all the same, but for
// a verify that was made: the ledger knows of it, and would tell its answer once more.
func PassThrough(ctx context.Context, r payment.Relayer, log *forwarded.Log, c Relay, made *payment.RelayReply) error {
	if made == nil {
		if log.Crosses(c.Ask.Kind, c.Provider, c.Ask.ID) {
			c.Say(r.WriteReply(payment.RelayDown, c.Ask, nil))
			return ErrCrossed
		}
		if why := otherCreate(log, c); why != nil {
			word := payment.RelayOtherAmount
			if c.Ask.Kind != payment.RelayVerify {
				word = payment.RelayNoPayment
			}
			c.Say(r.WriteReply(word, c.Ask, nil))
			return why
		}
	}
	m := markOf(c, time.Now().UTC())
	defer log.Pass(m.Call)()
	settles := c.Ask.Kind == payment.RelayVerify || c.Ask.Kind == payment.RelayGiveBack
	var unmarked error
	if settles {
		unmarked = log.Append(m)
	}
	var reply payment.RelayReply
	if made != nil {
		reply = *made
	} else {
		timeout := payment.RelayPatience
		if t, ok := r.(payment.Patient); ok && t.RelayTimeout() > 0 {
			timeout = t.RelayTimeout()
		}
		callCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
		reply = forward(callCtx, r, c.Call)
		cancel()
	}
	tell := settles
	switch m.Ended = true; c.Ask.Kind {
	case payment.RelayCreate:
		m.ID, tell = r.ReadCreated(reply)
	case payment.RelayVerify:
		reply.Unit = c.Ask.Unit
		a := r.ReadVerified(reply)
		m.Outcome, m.Code, m.Unsent = a.Outcome, a.Code, a.Unsent
		if a.Receipt != nil {
			rc := *a.Receipt
			rc.Card = ""
			m.Receipt = &rc
		}
	case payment.RelayGiveBack:
		m.Outcome = r.ReadGivenBack(reply)
		if reply.Unsent {
			m.Outcome = payment.OutcomeRefused
		}
	}
	if tell {
		unmarked = errors.Join(unmarked, log.Append(m))
	}
	if settles && made != nil && unmarked != nil {
		c.Break()
		return unmarked
	}
	if reply.Status == 0 || reply.Err != nil {
		c.Break()
		m.Said = true
	} else {
		m.Said, m.Heard = true, c.Say(reply)
	}
	if settles {
		unmarked = errors.Join(unmarked, log.Append(m))
	}
	return unmarked
}

// ForwardedCreate returns the payment of a create that passed and that the ledger may not
// know yet, or nil. same tells whether a provider's name means the account that is asked
// about.
func ForwardedCreate(log *forwarded.Log, id string, same func(provider string) bool) *payment.Record {
	for _, m := range log.Created(id) {
		if !same(m.Provider) {
			continue
		}
		rec := &payment.Record{
			Site: m.Site, Route: m.Route, Provider: m.Provider, ID: m.ID, Order: m.Order, State: payment.Created, Return: m.Return,
			Relay: &payment.Relayed{Callback: m.Callback, Number: m.Number, Unit: m.Unit}, CreatedAt: m.At, UpdatedAt: m.At,
		}
		if rec.Order == "" {
			rec.Order = rec.ID
		}
		return rec
	}
	return nil
}

// otherCreate tells why a call is not that of its create, where that create passed
// unrecorded, too. A call that is refused so reaches nobody.
func otherCreate(log *forwarded.Log, c Relay) error {
	if c.Ask.Kind != payment.RelayVerify && c.Ask.Kind != payment.RelayGiveBack && c.Ask.Kind != payment.RelayInquire {
		return nil
	}
	rec := ForwardedCreate(log, c.Ask.ID, func(name string) bool { return name == c.Provider })
	switch {
	case rec == nil:
		return nil
	case c.elsewhere(rec):
		return errOtherSite
	case c.Ask.Kind == payment.RelayVerify && !rec.Relay.SameAmount(c.Ask):
		return errOtherAmount
	}
	return nil
}

// ForwardEvent names the event of an error of [PassThrough].
func ForwardEvent(err error) string {
	switch {
	case errors.Is(err, errOtherAmount):
		return EventRelayAmount
	case errors.Is(err, errOtherSite):
		return EventForeign
	}
	return EventRelayDown
}

func markOf(c Relay, now time.Time) forwarded.Mark {
	return forwarded.Mark{
		At: now, Call: rand.Text(), Kind: c.Ask.Kind, Provider: c.Provider, Site: c.Site, Formerly: c.Formerly, Route: c.Route,
		ID: c.Ask.ID, Order: c.Ask.Order, Number: max(c.Ask.Number, 0), Unit: c.Ask.Unit, Callback: c.Ask.Callback, Return: c.Return, Many: c.Policy.Many, Proof: c.Ask.Proof,
	}
}

func callOf(m forwarded.Mark) Relay {
	return Relay{
		Site: m.Site, Route: m.Route, Provider: m.Provider, Formerly: m.Formerly, Return: m.Return, Policy: Policy{Once: true, Many: m.Many},
		Ask: payment.RelayAsk{Kind: m.Kind, ID: m.ID, Order: m.Order, Number: m.Number, Unit: m.Unit, Callback: m.Callback, Proof: m.Proof},
	}
}

// readForwarded reads in what was marked, if the ledger can record.
func (e *Engine) readForwarded(ctx context.Context) {
	if !e.Forwarded.Any() || e.Store.Ready() != nil || !e.begin() {
		return
	}
	defer e.running.Done()
	ctx = context.WithoutCancel(ctx)
	damaged, err := e.Forwarded.Read(func(marks []forwarded.Mark) error {
		return e.safely("", func() error { return e.readCall(ctx, marks) })
	}, func() bool { return e.Store.Ready() != nil })
	if err == nil && damaged > 0 {
		err = fmt.Errorf("%d lines of the file of forwarded calls can't be read; it is kept beside it, with the ending .damaged", damaged)
	}
	if err != nil {
		e.trouble(nil, err, false)
		return
	}
	e.endPages(ctx)
}

// readBefore reads in what was marked before something is decided about the payment of an
// id. It is cheap where nothing is marked.
//
// Invariant: while a call about a payment is marked and not read in, the ledger doesn't know
// what the shop has heard, so nothing is told from it: the error says so.
func (e *Engine) readBefore(ctx context.Context, id string) error {
	if !e.Forwarded.Any() {
		return nil
	}
	e.readForwarded(ctx)
	if e.Forwarded.Any() && e.Forwarded.Marked(id) {
		return errNotReadIn
	}
	return nil
}

// afterReading returns a record as it is when all that was marked about it is read in.
func (e *Engine) afterReading(ctx context.Context, rec *payment.Record) (*payment.Record, error) {
	if !e.Forwarded.Any() {
		return rec, nil
	}
	if err := e.readBefore(ctx, rec.ID); err != nil {
		return nil, err
	}
	return e.Store.Get(ctx, rec.Ref)
}

// ErrCrossed says that a verify and a call that sends the money back come at once while nothing can be
// recorded. The later one is answered "come again".
var ErrCrossed = errors.New("the shop asks about a payment and for its money back at once, while nothing can be recorded; the later call is answered that it should come again")

var errNotReadIn = errors.New("an earlier call about this payment was forwarded and is not read in yet")

// readCall reads in one call: its last mark knows all that the others know.
func (e *Engine) readCall(ctx context.Context, marks []forwarded.Mark) error {
	m := marks[len(marks)-1]
	c := callOf(m)
	prov, _, err := e.relayer(m.Provider)
	if err != nil {
		e.relayEvent(EventRelayDown, c, fmt.Errorf("a call that was forwarded can't be read in: %w", err), true)
		return nil
	}
	switch m.Kind {
	case payment.RelayCreate:
		gen, err := e.generation(ctx)
		if err != nil {
			return err
		}
		err = e.relayIntend(ctx, prov, c, m.ID, gen)
		var taken *payment.TakenError
		if errors.Is(err, ErrForeign) || errors.As(err, &taken) {
			err = nil // it was used up, or is known, already
		}
		return ignoreConflict(err)
	case payment.RelayVerify:
		return e.readVerify(ctx, prov, c, m)
	case payment.RelayGiveBack:
		rec, wish, err := e.giveBackMarked(ctx, prov, c, "passed-"+m.Call)
		if errors.Is(err, payment.ErrTransition) {
			// It passed beside an attempt whose end isn't known: a person compares them.
			e.relayEvent(EventRefundUnknown, c, err, true)
			return nil
		}
		if err != nil || rec == nil {
			return err
		}
		outcome := payment.OutcomeUnknown
		if m.Ended {
			outcome = m.Outcome
		}
		e.givenBack(ctx, rec, wish, outcome)
	}
	return nil
}

// readVerify reads in a verify: an attempt with the outcome that it had.
func (e *Engine) readVerify(ctx context.Context, prov Provider, c Relay, m forwarded.Mark) error {
	if m.Unsent {
		return nil // certainly nothing was asked
	}
	for range claimTries {
		rec, err := e.relayFind(ctx, prov, c)
		if err != nil {
			return err
		}
		if rec == nil {
			rec, err = e.load(ctx, e.relayJob(prov, c), prov.Terms())
			if err != nil {
				return err
			}
		}
		if rec.Version > 0 && !rec.Relay.SameAmount(c.Ask) && m.Outcome != payment.OutcomePaid {
			// It settled nothing, and says nothing of the payment.
			e.relayEvent(EventRelayAmount, c, errOtherAmount, true)
			return nil
		}
		if e.relayStands(rec) == standsOpen && !(rec.State == payment.Verifying && e.Store.Alive(rec.Lease)) {
			err = e.readAttempt(ctx, prov, c, m, rec)
		} else {
			err = e.readHeard(ctx, rec, m)
		}
		if !errors.Is(err, payment.ErrConflict) {
			return err
		}
	}
	return payment.ErrConflict
}

// relayJob is the settlement of a shop's own ask.
func (e *Engine) relayJob(prov Provider, c Relay) job {
	order := c.Ask.Order
	if order == "" {
		order = c.Ask.ID
	}
	j := job{ref: payment.NewRef(c.Site, prov.Terms().Issuer, c.Ask.ID, order), prov: prov, ask: Ask{
		Site: c.Site, Formerly: c.Formerly, Route: c.Route, Provider: c.Provider, Order: order, Policy: c.Policy,
		Claimed: payment.Claimed{ID: c.Ask.ID, Hint: payment.HintPaid},
	}}
	j.rules = asked{j.ask, e.Sites}
	return j
}

// readAttempt reads in a verify about a payment that was not settled.
//
// Invariant: what was asked, what the provider answered and what the shop has heard or may
// have heard become known in one change. Between two of them a node would see a payment that
// is settled and unheard, and "first" would be told twice.
func (e *Engine) readAttempt(ctx context.Context, prov Provider, c Relay, m forwarded.Mark, rec *payment.Record) error {
	t := prov.Terms()
	a := payment.Answer{Outcome: payment.OutcomeUnknown, Reason: payment.ReasonNoAnswer}
	if m.Ended {
		a = e.relayDetails(ctx, prov, rec, payment.Answer{Outcome: m.Outcome, Receipt: m.Receipt, Code: m.Code}, t, rec.Attempts.Unknown > 0 || rec.Attempts.Open)
	}
	j := e.relayJob(prov, c)
	j.relayed = func(next *payment.Record) {
		if a.Outcome == payment.OutcomePaid && t.TellsFirst {
			next.SettledSince(m.At)
		}
		e.relayKeep(next, a, payment.RelayReply{})
	}
	heard := false
	j.heard = func(next *payment.Record) (err error) {
		heard, err = e.heardMeanwhile(ctx, next, m)
		return err
	}
	j.take = relayMeet(rec, c, t)
	rec.Relay.Asked++
	rec.Attempts.Claimed = true
	if err := rec.StartAttempt(e.now(), e.lease(e.leaseFor(prov))); err != nil {
		return err
	}
	v, a, gen, err := e.judge(ctx, j, rec, a, t)
	if err != nil {
		return err
	}
	next, err := e.decide(ctx, j, rec, v, a, t, gen)
	if err == nil && heard {
		e.tellRelayed(ctx, next, true)
	}
	return err
}

// readHeard reads in what was heard of a payment that is settled, or that somebody asks
// about just now.
func (e *Engine) readHeard(ctx context.Context, rec *payment.Record, m forwarded.Mark) error {
	if rec.Version == 0 {
		return nil
	}
	heard, err := e.heardMeanwhile(ctx, rec, m)
	if err != nil || !heard {
		return err
	}
	if err := e.commit(ctx, rec, false); err != nil {
		return err
	}
	e.tellRelayed(ctx, rec, true)
	return nil
}

// heardMeanwhile notes what the shop has heard, or may have, while nothing could be
// recorded: nobody tells it "first" again, whatever the record's state is. It reports
// whether there was something to note.
func (e *Engine) heardMeanwhile(ctx context.Context, rec *payment.Record, m forwarded.Mark) (bool, error) {
	paid := m.Ended && m.Outcome == payment.OutcomePaid
	certain := paid && m.Heard
	// Without its end on record the shop may have heard anything.
	perhaps := !m.Said && (paid || !m.Ended)
	if !certain && !perhaps || rec.Relay.Heard() || rec.State == payment.Reversed || rec.Dismissed() {
		return false, nil
	}
	if rec.Relay == nil {
		if rec.State == payment.Verifying {
			return false, errBeingAsked // its asker would not find its own question again
		}
		rec.Relay = new(payment.Relayed)
	}
	if !rec.Tellable() {
		rec.HeardBeside(certain, e.Store.Owner(), m.At)
		return true, nil
	}
	if certain && (rec.State == payment.Verified || rec.State == payment.Parked) {
		e.joinTrack(rec, e.noted(ctx, rec))
	}
	now := e.now()
	err := rec.Tell(payment.Asker{}, now, e.lease(tellLease))
	switch {
	case err != nil:
	case certain:
		err = rec.Hear(rec.Relay.Told.Epoch, now, now)
	default:
		err = rec.CutOff(now)
	}
	e.keepParked(rec)
	return err == nil, err
}

var errBeingAsked = errors.New("a call that was forwarded is read in later: its payment is being asked about")
