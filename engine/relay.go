package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// The relay serves a provider's own API to the shop. These functions decide from the record
// what the shop hears; the handlers only carry bytes. docs/relay.md is the manual.
//
// Invariants: nothing is settled that the shop didn't ask for. The marker is durable before
// the shop's verify is forwarded. Only tellFirst says "first", after a durable commit. No
// relay call waits for a delivery or for a page of the shop.

const (
	// relayHold is how long an ask waits for the provider's answer.
	relayHold = 25 * time.Second
	// relayTelling is how long an ask waits while another one is being told "first".
	relayTelling = 3 * time.Second
	// relayPoll is how often the record is read meanwhile.
	relayPoll = 50 * time.Millisecond
	// tellLease is how long a telling may take before it counts as interrupted.
	tellLease = 30 * time.Second
	// relayLink is how long a payment may be paid if the provider's document doesn't say.
	// Intents are kept as long.
	relayLink = 30 * 24 * time.Hour
)

// Events of the relay.
const (
	// EventRelayCall: a call that isn't in the provider's dialect.
	EventRelayCall = "relay_unknown_call"
	// EventRelayStranger: credentials that belong to no provider block.
	EventRelayStranger = "relay_stranger"
	// EventRelayAmount: a verify names another amount than its create.
	EventRelayAmount = "relay_other_amount"
	// EventRelayDown: a call was refused because it can't be recorded.
	EventRelayDown = "relay_down"
	// EventRelaySilent: the provider did not answer a shop's verify.
	EventRelaySilent = "relay_silent"
	// EventNeedsSession: the shop's plugin did not ask when its return was repeated.
	EventNeedsSession = "relay_needs_session"
	// EventMissedReturn: the shop was not well enough to handle its return.
	EventMissedReturn = "relay_return_missed"
	// EventGivenBack: the shop asked for money to be sent back.
	EventGivenBack = "relay_given_back"
	// EventForeignReturn: a return came to another address than its create named.
	EventForeignReturn = "relay_foreign_return"
	// EventForeignCallback: a create names a return address that is not the site's.
	EventForeignCallback = "relay_foreign_callback"
)

// Relay is one call of a shop.
type Relay struct {
	Site, Route, Provider string
	Formerly              []string
	Call                  payment.RelayCall
	Ask                   payment.RelayAsk
	// Bound: the call came under Site's own address, so that it is Site's. Elsewhere only a
	// create's callback says whose it is.
	Bound bool
	// Asker says which program of the shop calls. Calls of one page have the same; empty if
	// nobody knows.
	Asker string
	// Through names the address of the relay to which the call came: see [payment.Relayed].
	Through string
	came    time.Time
	// Return is the address of a create's callback as the worker needs it, if a site of
	// ours serves it.
	Return *payment.Return
	// Policy is the site's. By default its orders may be paid more than once.
	Policy Policy
	// Say writes an answer and reports whether the shop received all of it: its connection
	// was open until the last byte was sent. It is called once.
	Say func(payment.RelayReply) bool
	// Break closes the connection without an answer. It is called in place of Say.
	Break func()
	// Down is called instead of both where the call can't be remembered and passes all
	// the same (`when_down forward`). made is the answer to a create or verify that is
	// made already. nil refuses.
	Down func(err error, made *payment.RelayReply)
}

// elsewhere reports whether a call under one site's address is about another site's payment.
func (c Relay) elsewhere(rec *payment.Record) bool {
	return c.Bound && rec != nil && !slices.Contains(names(c.Site, c.Formerly), rec.Site)
}

// relayForeign answers a call about another site's payment: this shop has none of that id.
func (e *Engine) relayForeign(r payment.Relayer, c Relay) {
	e.relayEvent(EventForeign, c, errOtherSite, true)
	c.Say(r.WriteReply(payment.RelayNoPayment, c.Ask, nil))
}

// Sealer encrypts a provider's answer for the ledger. Open needs the same reference.
type Sealer interface {
	Seal(ref payment.Ref, b []byte) ([]byte, error)
	Open(ref payment.Ref, b []byte) ([]byte, error)
}

// keptMost is the longest answer that is kept. In place of a longer one, an answer is made
// from the receipt.
const keptMost = 4 << 10

func (e *Engine) relayer(name string) (Provider, payment.Relayer, error) {
	prov, err := e.provider(name)
	if err != nil {
		return prov, nil, err
	}
	r, ok := prov.Provider.(payment.Relayer)
	if !ok {
		return prov, nil, fmt.Errorf("provider %q can't be relayed", name)
	}
	return prov, r, nil
}

// RelayCreate forwards a create, and records it before the shop gets the answer (rule 12).
// It never asks the provider twice.
func (e *Engine) RelayCreate(caller context.Context, c Relay) {
	ctx := context.WithoutCancel(caller)
	prov, r, err := e.relayer(c.Provider)
	if err != nil {
		c.Break()
		return
	}
	if err := e.Store.Ready(); err != nil {
		e.relayDown(r, c, err, nil)
		return
	}
	if !e.begin() {
		e.relayDown(r, c, payment.ErrClosed, nil)
		return
	}
	defer e.running.Done()
	gen, err := e.generation(ctx)
	if err != nil {
		e.relayDown(r, c, err, nil)
		return
	}
	// A create has places of its own, so that it takes no verify's.
	laneCtx, cancel := context.WithTimeout(ctx, createPatience)
	leave, ok := e.Shared.hosts.EnterRelayed(laneCtx, hostOf(prov.Terms()))
	cancel()
	began := e.now()
	if !ok {
		busy := &TooManyError{RetryAfter: createPatience}
		e.started(c.Provider, c.Site, false, busy, 0)
		c.Down = nil // the ledger is well: the provider has enough to do
		e.relayDown(r, c, busy, nil)
		return
	}
	callCtx, over := e.patiently(caller, prov, leave)
	reply := forward(callCtx, r, c.Call)
	over()
	id, made := r.ReadCreated(reply)
	e.relayStarted(c, reply, made, began)
	if !made {
		e.relayGive(c, reply)
		return
	}
	if err := e.relayIntend(ctx, prov, c, id, gen); err != nil {
		// The provider has made it, and no customer will be sent to it.
		e.relayDown(r, c, err, &reply)
		return
	}
	e.relayGive(c, reply)
}

// relayDown ends a call that can't be remembered: it is refused, or passes marked.
func (e *Engine) relayDown(r payment.Relayer, c Relay, err error, made *payment.RelayReply) {
	if c.Down != nil {
		c.Down(err, made)
		return
	}
	e.relayEvent(EventRelayDown, c, err, true)
	c.Say(r.WriteReply(payment.RelayDown, c.Ask, nil))
}

// relayGive passes an answer on as it came, or closes the connection if there is none.
func (e *Engine) relayGive(c Relay, reply payment.RelayReply) {
	if reply.Status == 0 || reply.Err != nil {
		c.Break()
		return
	}
	c.Say(reply)
}

// relayIntend records a create as an intent.
func (e *Engine) relayIntend(ctx context.Context, prov Provider, c Relay, id string, gen payment.Generation) error {
	t := prov.Terms()
	order := c.Ask.Order
	if order == "" {
		order = id
	}
	now := e.now()
	rec := &payment.Record{
		Ref:  payment.NewRef(c.Site, t.Issuer, id, order),
		Site: c.Site, Route: c.Route, Provider: c.Provider, Issuer: t.Issuer, Environment: t.Environment,
		ID: id, Order: order, State: payment.Created, Generation: gen.Seq,
		Expect: payment.Expectation{Amount: c.Ask.Amount(), Source: payment.FromIntent},
		Return: c.Return,
		Relay:  &payment.Relayed{Callback: c.Ask.Callback, Number: max(c.Ask.Number, 0), Unit: c.Ask.Unit, Through: c.Through},

		CreatedAt: now, UpdatedAt: now,
	}
	before, err := e.announcedBefore(ctx, prov, id)
	if err != nil {
		return err
	}
	if before != nil {
		// A provider that gives one id out twice for one order (or a shop that
		// announced it meanwhile): what is known stays.
		if before.Relay == nil && slices.Contains(names(c.Site, c.Formerly), before.Site) && !settled(before) {
			before.Relay, before.Observed = rec.Relay, nil
			before.Relay.Unnamed = c.Ask.Order == "" && before.OrderKnown()
			return e.commit(ctx, before, false)
		}
		return nil
	}
	return e.intend(ctx, rec, prov, nil, 0)
}

// relayFirstLook returns when the worker first looks at an intent of a relayed create. Where no
// verify route takes its return, the worker asks only by inquiry, and delivers only by
// repeating the shop's own return.
func (e *Engine) relayFirstLook(rec *payment.Record, prov Provider) time.Time {
	if e.settlesHere(rec) {
		return nextUnasked(rec, inquires(prov), e.now())
	}
	if rec.Return != nil && inquires(prov) {
		return nextUnasked(rec, true, e.now())
	}
	return rec.CreatedAt.Add(relayLink)
}

// relayFind returns the record that a call is about, or nil without an error if there is
// none.
func (e *Engine) relayFind(ctx context.Context, prov Provider, c Relay) (*payment.Record, error) {
	if c.Ask.ID == "" {
		return nil, nil
	}
	rec, err := e.announcedBefore(ctx, prov, c.Ask.ID)
	if errors.Is(err, payment.ErrNotFound) {
		err = nil
	}
	if rec != nil || err != nil {
		return rec, err
	}
	// One that was settled before its shop came behind the relay.
	holder, err := e.Store.Holder(ctx, payment.ReceiptKey(prov.Terms().Issuer, c.Ask.ID))
	if err != nil || holder == "" {
		return nil, ignoreNotFound(err)
	}
	rec, err = e.Store.Get(ctx, holder)
	return rec, ignoreNotFound(err)
}

// RelayForward passes on a call that settles nothing.
func (e *Engine) RelayForward(ctx context.Context, c Relay) {
	prov, r, err := e.relayer(c.Provider)
	if err != nil {
		c.Break()
		return
	}
	e.relayGive(c, e.relayList(ctx, prov, c, e.relayRaw(ctx, prov, r, c)))
}

// relayRaw forwards a call without a step of a record. If caller can't end, it is answered
// as if somebody waited for it.
func (e *Engine) relayRaw(caller context.Context, prov Provider, r payment.Relayer, c Relay) payment.RelayReply {
	laneCtx, cancel := context.WithTimeout(context.WithoutCancel(caller), prov.Timeout)
	leave, err := e.Shared.hosts.Enter(laneCtx, hostOf(prov.Terms()), false)
	cancel()
	if err != nil {
		return payment.RelayReply{Err: err, Unsent: true}
	}
	ctx, over := e.patiently(caller, prov, leave)
	defer over()
	return forward(ctx, r, c.Call)
}

// RelayInquire answers a question that settles nothing. A payment that is settled here, and
// of which the shop has not heard, is answered as before its verify: a job of the shop
// that looks for paid and unverified payments must still find it.
func (e *Engine) RelayInquire(ctx context.Context, c Relay) {
	prov, r, err := e.relayer(c.Provider)
	if err != nil {
		c.Break()
		return
	}
	rec, err := e.relayFind(ctx, prov, c)
	if err == nil && c.elsewhere(rec) {
		e.relayForeign(r, c)
		return
	}
	if err == nil && e.afterTelling(ctx, rec, e.now().Add(relayTelling)).Unheard() {
		c.Say(r.WriteReply(payment.RelayAwaiting, c.Ask, rec))
		return
	}
	e.relayGive(c, e.relayRaw(ctx, prov, r, c))
}

// afterTelling returns a record once the telling that is in progress has ended, or at the given
// moment.
//
// Invariant: what the shop hears about a payment never contradicts the "first" that it has
// heard before it asks. Its end is on record only after the last byte was sent.
func (e *Engine) afterTelling(ctx context.Context, rec *payment.Record, until time.Time) *payment.Record {
	for rec != nil && rec.Relay != nil && rec.Relay.Open() && e.now().Before(until) && e.relayWait(ctx.Done(), relayPoll) {
		fresh, err := e.Store.Get(context.WithoutCancel(ctx), rec.Ref)
		if err != nil {
			break
		}
		rec = fresh
	}
	return rec
}

func (e *Engine) relayEvent(name string, c Relay, err error, alert bool) {
	e.Observer.Observe(Event{Name: name, Provider: c.Provider, Site: c.Site, ID: clip(c.Ask.ID), Order: clip(c.Ask.Order), Err: err, Alert: alert})
}

// RelayOf returns the payment of a provider's id, or nil without an error if none is known.
func (e *Engine) RelayOf(ctx context.Context, provider, id string) (*payment.Record, error) {
	prov, err := e.provider(provider)
	if err != nil {
		return nil, err
	}
	return e.relayFind(ctx, prov, Relay{Ask: payment.RelayAsk{ID: id}})
}
