package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/rahgir/caddy-payments/internal/failpoint"
	"github.com/rahgir/caddy-payments/payment"
)

var errOtherAmount = errors.New("the shop verifies another amount than the one with which it created the payment, or none")

// RelayVerify answers a shop's verify. It returns when the shop has its answer or has gone.
// Work that has begun goes on without the shop.
func (e *Engine) RelayVerify(ctx context.Context, c Relay) {
	c.came = e.now()
	gone := ctx.Done()
	ctx = context.WithoutCancel(ctx)
	prov, r, err := e.relayer(c.Provider)
	if err != nil || !e.begin() {
		c.Break()
		return
	}
	defer e.running.Done()
	ends := e.now().Add(relayHold)
	waited, pause := time.Duration(0), time.Second
	// A gateway whose verify names the amount refuses one without it. As long as the payment is
	// open, it says so itself.
	noAmount := prov.Terms().SendsAmount && c.Ask.Number == 0 && !c.Ask.Unread
	for {
		var rec *payment.Record
		err := e.readBefore(ctx, c.Ask.ID)
		if err == nil {
			rec, err = e.relayFind(ctx, prov, c)
		}
		if err != nil && c.Down != nil {
			c.Down(err, nil)
			return
		}
		if err != nil {
			e.askDown(c, err)
			c.Break()
			return
		}
		if c.elsewhere(rec) {
			e.relayEvent(EventForeign, c, errOtherSite, true)
			c.Say(r.WriteReply(payment.RelayOtherAmount, c.Ask, rec))
			return
		}
		if rec != nil && !rec.AskedAmount(c.Ask) || noAmount && e.relayStands(rec) != standsOpen && e.relayStands(rec) != standsPerson {
			e.relayEvent(EventRelayAmount, c, errOtherAmount, true)
			c.Say(r.WriteReply(payment.RelayOtherAmount, c.Ask, rec))
			return
		}
		switch e.relayStands(rec) {
		case standsTellable:
			old, err := e.perhapsTold(ctx, rec)
			if err == nil && old {
				err = e.parkOld(ctx, rec.Clone())
			}
			if err != nil {
				e.askDown(c, err)
				c.Break()
				return
			}
			if old {
				e.sayAgain(ctx, r, c, rec)
				return
			}
			if over(gone) || e.tellFirst(ctx, r, c, rec) {
				return
			}
			continue
		case standsTelling:
			if waited < relayTelling && e.relayWait(gone, relayPoll) {
				waited += relayPoll
				continue
			}
			e.sayAgain(ctx, r, c, rec)
			return
		case standsHeard:
			e.sayAgain(ctx, r, c, rec)
			return
		case standsPerson:
			if e.relayHeld(ctx, prov, r, c, rec) {
				return
			}
			continue
		case standsOpen:
		}
		noAmount = false // whatever its gateway takes, it hears
		got, err := e.relayQuestion(ctx, prov, r, c, rec, ends)
		if c.Down != nil {
			// The money is taken, and asking once more would be answered "again".
			if made := got.unrecorded(); made != nil {
				c.Down(cmp.Or(err, errUnrecorded), made)
				return
			}
		}
		switch {
		case err != nil && !errors.Is(err, payment.ErrConflict):
			// The claim can't be made durable: nothing was asked.
			if c.Down != nil {
				c.Down(err, nil)
				return
			}
			e.askDown(c, err)
			if !e.relayWait(gone, time.Second) || !e.now().Before(ends) {
				c.Break()
				return
			}
			continue
		case err != nil:
			continue
		case e.relayStands(got.rec) == standsTellable, e.relayStands(got.rec) == standsTelling, e.relayStands(got.rec) == standsHeard:
			continue
		case got.reply.Status != 0 && got.reply.Err == nil && got.outcome != payment.OutcomePaid:
			c.Say(got.reply) // "no", "again", or an error: as it came
			return
		case e.relayStands(got.rec) == standsPerson:
			continue
		}
		e.Shared.replays.unanswered(c.Ask.ID) // a gateway without a place was not asked
		// Silence: an answer that comes while the caller stays is given.
		if !e.now().Add(pause).Before(ends) || !e.relayWait(gone, pause) {
			e.relayEvent(EventRelaySilent, c, errNoAnswer, false)
			c.Break()
			return
		}
		pause = min(2*pause, 8*time.Second)
	}
}

// askDown tells of an ask that can't be carried out because the ledger can't be used.
func (e *Engine) askDown(c Relay, err error) {
	e.Shared.replays.unanswered(c.Ask.ID)
	e.relayEvent(EventRelayDown, c, err, true)
}

// errOtherSite: shops may share an account, and none of them credits what another sold.
var errOtherSite = errors.New("the shop asks for a payment of another site: nothing was asked or told")

var errNoAnswer = errors.New("the provider has not answered the shop's verify; we ask again")

// stands says what a payment's state means for an ask.
type stands int

const (
	standsOpen     stands = iota // not settled: ask the provider
	standsTellable               // settled, and nobody has heard "first"
	standsTelling                // another ask is being told
	standsHeard                  // heard, or never to be told
	standsPerson                 // our ledger holds it for a person: pass on what the provider says
)

func (e *Engine) relayStands(rec *payment.Record) stands {
	switch {
	case rec == nil:
		return standsOpen
	case rec.Relay == nil && (rec.State == payment.Verified || rec.State == payment.Delivering || rec.State == payment.Parked):
		return standsTellable // the first ask of a payment that a verify route settled
	case rec.Relay.Heard():
		return standsHeard
	case rec.Relay != nil && rec.Relay.Open() && rec.State != payment.Parked:
		return standsTelling
	case rec.Tellable():
		return standsTellable
	case rec.State == payment.Reversed || rec.State == payment.Review || rec.Reason == payment.ReasonDismissed ||
		rec.State.Captured() && rec.BackPending():
		return standsPerson
	case rec.State.Captured():
		return standsHeard
	}
	return standsOpen
}

func over(gone <-chan struct{}) bool {
	select {
	case <-gone:
		return true
	default:
		return false
	}
}

// relayWait waits. It returns false if the caller has left.
func (e *Engine) relayWait(gone <-chan struct{}, d time.Duration) bool {
	select {
	case <-gone:
		return false
	case <-e.Clock.After(d):
		return true
	}
}

// relayQuestion asks the provider once for all calls that ask at the same time. A call that
// comes while the worker or a return asks gets no answer of its own, and looks again.
func (e *Engine) relayQuestion(ctx context.Context, prov Provider, r payment.Relayer, c Relay, rec *payment.Record, ends time.Time) (relayed, error) {
	j := e.relayJob(prov, c)
	if rec != nil {
		j.ref = rec.Ref
	} else {
		j.ref = payment.NewRef(c.Site, prov.Terms().Issuer, c.Ask.ID, j.ask.Order)
	}
	v, err, _ := e.Shared.relays.Do(string(j.ref), func() (any, error) {
		var got relayed
		_, err, _ := e.Shared.settles.Do(string(j.ref), func() (any, error) {
			err := e.safely(j.ref, func() (err error) {
				got, err = e.relaySettle(ctx, j, r, c, ends)
				return err
			})
			return got.rec, err
		})
		if err == nil && got.rec == nil {
			got.rec, err = e.Store.Get(ctx, j.ref)
		}
		return got, err
	})
	got, _ := v.(relayed)
	return got, err
}

// relaySettle claims, asks and commits, like settle for a return. It asks even if the last
// answer was a "no" a moment ago, because the shop asks as well.
func (e *Engine) relaySettle(ctx context.Context, j job, r payment.Relayer, c Relay, ends time.Time) (relayed, error) {
	t := j.prov.Terms()
	e.account(ctx, j.prov)
	waited := time.Duration(0)
	for range claimTries {
		rec, err := e.load(ctx, j, t)
		if err != nil {
			return relayed{}, err
		}
		if e.relayStands(rec) != standsOpen {
			return relayed{rec: rec}, nil
		}
		if asking := e.Store.Alive(rec.Lease); asking && rec.State == payment.Verifying {
			if waited > e.leaseFor(j.prov) {
				return relayed{rec: rec}, nil
			}
			<-e.Clock.After(otherOwner)
			waited += otherOwner
			continue
		}
		got, err := e.relayAttempt(ctx, j, r, c, rec, t, ends)
		if errors.Is(err, payment.ErrConflict) {
			continue
		}
		return got, err
	}
	return relayed{}, fmt.Errorf("claiming a relayed payment: %w", payment.ErrConflict)
}

// relayAttempt asks with the shop's own call. The breaker doesn't hold it back, because the
// shop would ask without us, too.
func (e *Engine) relayAttempt(ctx context.Context, j job, r payment.Relayer, c Relay, rec *payment.Record, t payment.Terms, ends time.Time) (relayed, error) {
	laneCtx, cancel := context.WithTimeout(ctx, j.prov.Timeout)
	leave, err := e.Shared.hosts.Enter(laneCtx, hostOf(t), false)
	cancel()
	if err != nil {
		return relayed{rec: rec}, nil //nolint:nilerr // nothing was asked: as silence
	}
	asked := false
	defer func() {
		if !asked {
			leave()
		}
	}()
	before := rec.Clone()
	take := relayMeet(rec, c, t)
	rec.Relay.Asked++
	e.forgetBack(rec)
	rec.Attempts.Claimed = true
	now := e.now()
	if err := rec.StartAttempt(now, e.lease(e.leaseFor(j.prov))); err != nil {
		return relayed{rec: rec}, err
	}
	failpoint.Hit(failpoint.ClaimIssued)
	if err := e.commit(ctx, rec, false, take...); err != nil {
		return relayed{}, err
	}
	failpoint.Hit(failpoint.ClaimDurable)
	only := rec.Attempts.Count == 1
	asked = true
	rec, said := e.relayAnswer(ctx, question{j: j, r: r, c: c, ends: ends}, rec, leave)
	answer, reply := said.answer, said.reply
	if (refusesAmount(answer) || refusesNone(t, c.Ask, said)) && !before.AsksPlainly(c.Ask) {
		// All questions of this attempt carried the same amount.
		return e.relayVoid(ctx, c, before, rec, said)
	}
	only = only && rec.Attempts.Unknown == 0 // what we asked beside it was answered, too
	details := answer
	if t.AnswersFor(rec.Issuer) {
		details = e.relayDetails(ctx, j.prov, rec, answer, t, rec.Attempts.Unknown > 0)
	}
	if details.Outcome == payment.OutcomeUnknown && answer.Outcome == payment.OutcomeAgain && rec.Attempts.Unknown > 0 {
		reply = payment.RelayReply{} // it may have been ours that settled it: the shop waits for that
	}
	answer = details
	if !t.AnswersFor(rec.Issuer) && answer.Outcome != payment.OutcomePaid && answer.Outcome != payment.OutcomeAgain {
		// The shop hears it as it came, but another account has denied nothing.
		answer = payment.Answer{Outcome: payment.OutcomeUnknown, Reason: payment.ReasonNoAccount, Unsent: true}
	}
	failpoint.Hit(failpoint.AnswerRead)
	j.relayed = func(next *payment.Record) {
		if answer.Outcome == payment.OutcomePaid && t.TellsFirst {
			next.SettledSince(now)
		}
		e.relayKeep(next, answer, reply)
		if only && next.State == payment.Review && next.Reason == payment.ReasonUnexplained {
			next.Reason = payment.ReasonElsewhere // the shop hears what the provider said
		}
	}
	rec, err = e.finish(ctx, j, rec, answer, t)
	got := relayed{rec: rec, reply: reply, outcome: answer.Outcome}
	if answer.Outcome == payment.OutcomePaid && (err != nil || rec.State == payment.Verifying) {
		got.given = new(atomic.Bool)
	}
	return got, err
}

// relayMeet gives a record what the shop's own ask says of it, and returns the keys that
// it takes: no create of it may have been seen.
func relayMeet(rec *payment.Record, c Relay, t payment.Terms) (take []payment.Key) {
	if !rec.Expect.Known() {
		// The shop's own word, over its own credentials.
		rec.Expect = payment.Expectation{Source: payment.FromLookup, Amount: c.Ask.Amount()}
		if c.Ask.Number > 0 && c.Ask.Unit == 0 && !c.Ask.Unread {
			rec.Expect.Amount = payment.Rials(c.Ask.Number) * max(t.Step, 1)
		}
		if c.Ask.Number <= 0 {
			rec.Expect = payment.Expectation{Source: payment.FromNone}
		}
		if rec.Version == 0 {
			take = append(take, payment.IntentKey(rec.Issuer, rec.ID))
		}
	}
	if rec.Relay == nil {
		rec.Relay = &payment.Relayed{Number: max(c.Ask.Number, 0), Unit: c.Ask.Unit, Through: c.Through}
	}
	keepProof(rec, c.Ask.Proof)
	return take
}

// relayKeep adds to a record what a relayed ask leaves there besides the verdict.
func (e *Engine) relayKeep(next *payment.Record, a payment.Answer, reply payment.RelayReply) {
	now := e.now()
	switch next.State {
	case payment.Verified:
		if next.Due = now.Add(browserGrace); next.Relay.CertainlyHeard() {
			next.Due = now // nobody asks any more
		}
	case payment.Review:
		if next.Reason == payment.ReasonUnexplained && next.Attempts.Count == 1 {
			next.Reason = payment.ReasonElsewhere // the shop hears what the provider said
		}
	case payment.Declined, payment.Expired:
		// The shop has heard it, and asks again if it wants to: nothing is settled
		// that it didn't ask for. What a verify route takes is asked about as ever.
		if next.Due.IsZero() || !e.settlesHere(next) {
			next.Due = next.CreatedAt.Add(relayLink)
		}
	default:
	}
	if a.Outcome != payment.OutcomePaid || e.Seal == nil || len(reply.Body) > keptMost || len(reply.Body) == 0 {
		return
	}
	sealed, err := e.Seal.Seal(next.Ref, packReply(reply))
	if err == nil {
		next.Relay.Kept, next.Relay.KeptAt = sealed, now
	}
}
