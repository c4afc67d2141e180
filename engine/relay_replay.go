package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// Making a shop's own return for a customer who didn't come back (rescue).
//
// The invariants: a payment's return is made once, which is on record before it is made, and
// again only after one that the shop was not well enough to handle; only the answer of a shop
// that is well, and whose plugin could have asked us, says something of its plugin; a site gets
// two at a time at most; a route whose plugin did not ask gets no more, for as long as its
// configuration says the same; and none begins once the process is told to stop.

// Replayed is what became of a replay of a shop's own return.
type Replayed struct {
	// Taken: a route of the shop took it.
	Taken bool
	// Unsent: provably nothing reached the shop.
	Unsent bool
	// Down is why the answer says nothing of the shop's plugin: the shop was not well, or
	// could not be reached. It is empty for every other answer.
	Down string
	// Moved: no relay of this configuration has the address to which the shop's create came. A
	// plugin that still calls that asks nobody who would know.
	Moved bool
	// Page is how the shop answered.
	Page payment.ShopPage
}

// Rescue is what the route of a payment says of replays.
type Rescue string

// The ways. What was learnt of a route that says nothing is forgotten once its owner
// writes `rescue on`: the plugin is another now.
const (
	RescueOff     Rescue = "off"
	RescueDefault Rescue = "default"
	RescueOn      Rescue = "on"
	// RescueAway: nothing of this configuration takes the return, or the plugin's calls. That
	// says nothing for the payment's whole life: the line may be back in a minute.
	RescueAway Rescue = "away"
)

// makes reports whether returns are made.
func (w Rescue) makes() bool { return w == RescueDefault || w == RescueOn }

// Replayer is Sites whose shops ask for their payments by themselves.
type Replayer interface {
	// Rescues says whether the route of a record lets its return be replayed.
	Rescues(r *payment.Record) Rescue
	// Replay makes the customer's return to the shop, in process, as the customer
	// would have made it. It never panics.
	Replay(ctx context.Context, r *payment.Record) Replayed
}

// replaysAtOnce is how many replays one site gets at a time: its PHP has few workers,
// and its customers need them.
const replaysAtOnce = 2

// replays bounds replays by site. sessions are routes whose mark the ledger did not take, and
// made the ids whose return is being made, with what became of their plugin's calls.
type replays struct {
	mu       sync.Mutex
	running  map[string]int
	sessions map[payment.Key]bool
	made     map[string]*calling
}

// calling is what a plugin met in a return that is being made.
type calling struct {
	site string
	// vain: it asked, and we had no answer. refused: a call to a relay that may be the site's was
	// refused, so that nobody knows what it was about.
	vain, refused bool
}

// listen notes what a plugin meets about an id until met is called.
func (r *replays) listen(id, site string) (met func() calling) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.made == nil {
		r.made = make(map[string]*calling)
	}
	a := &calling{site: site}
	r.made[id] = a
	return func() calling {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.made[id] == a {
			delete(r.made, id)
		}
		return *a
	}
}

// refused notes that a call of one of these sites was refused, or of any site if there are none.
//
// Invariant: it excuses only the returns that are being made at that moment, each of which is
// one of at most eight. So no flood of such calls costs a shop more.
func (r *replays) refused(sites []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.made {
		a.refused = a.refused || len(sites) == 0 || slices.Contains(sites, a.site)
	}
}

// RelayRefused notes that a relay refused a call of a caller whom it admits, because it did not
// know what or whose the call was. sites are the names of the relay's own site; none where the
// relay has no site of its own.
func (e *Engine) RelayRefused(sites ...string) { e.Shared.replays.refused(sites) }

// unanswered notes that a plugin asked, and that nothing could be asked or recorded for it.
func (r *replays) unanswered(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a := r.made[id]; a != nil {
		a.vain = true
	}
}

func (r *replays) enter(site string) (leave func(), ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running == nil {
		r.running = make(map[string]int)
	}
	if r.running[site] >= replaysAtOnce {
		return nil, false
	}
	r.running[site]++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.running[site]--
	}, true
}

func (r *replays) marked(k payment.Key) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sessions[k]
}

func (r *replays) mark(k payment.Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sessions == nil {
		r.sessions = make(map[payment.Key]bool)
	}
	r.sessions[k] = true
}

// enterReplay takes a place for a replay to a site.
func (e *Engine) enterReplay(site string) (leave func(), ok bool) {
	if !e.beginHandOver() {
		return nil, false
	}
	free, ok := e.Shared.replays.enter(site)
	if !ok {
		e.endHandOver()
		return nil, false
	}
	return func() {
		free()
		e.endHandOver()
	}, true
}

// sessionKey is the mark of a route; ok is false if no route rescues.
func (e *Engine) sessionKey(rec *payment.Record) (k payment.Key, ok bool) {
	s, ok := e.Sites.(Replayer)
	if !ok {
		return k, false
	}
	way := s.Rescues(rec)
	return payment.SessionKey(rec.Site, rec.Route+"\n"+rec.Provider, string(way)), way.makes()
}

// NeedsSession reports whether the route of a record was seen to ask for payments
// only with its customer's session. The ledger keeps that, so a restart or another node
// knows it, too.
func (e *Engine) NeedsSession(rec *payment.Record) bool {
	k, ok := e.sessionKey(rec)
	if !ok {
		return false
	}
	_, err := e.Store.Holder(context.Background(), k)
	return err == nil || e.Shared.replays.marked(k)
}

// needsSession marks the route of a record: its plugin did not ask, or not with the amount.
func (e *Engine) needsSession(ctx context.Context, rec *payment.Record) {
	k, ok := e.sessionKey(rec)
	if !ok {
		return
	}
	if _, err := e.Store.Reserve(ctx, []payment.Key{k}); err != nil {
		e.Shared.replays.mark(k)
		e.trouble(rec, err, false)
	}
	e.observe(EventNeedsSession, rec, errNeedsSession, true)
}

var errNeedsSession = errors.New("the shop's plugin did not ask about the payment, or not with its amount, when its return was repeated without the customer: returns of this route are not repeated any more; after you have changed the plugin, write `rescue on`")

func (e *Engine) mayReplay(rec *payment.Record) bool {
	return e.rescues(rec).makes() && !e.NeedsSession(rec)
}

// rescues is what the route of a payment says of its return, if that can be made at all.
func (e *Engine) rescues(rec *payment.Record) Rescue {
	s, ok := e.Sites.(Replayer)
	if !ok || rec.Return == nil || rec.Return.URI == "" || rec.Relay != nil && !rec.Relay.GivingBack.IsZero() {
		return RescueOff
	}
	return s.Rescues(rec)
}

// awaitRoute looks at a payment again later whose route, or whose plugin's relay, is in no line
// of the configuration. Nobody is asked meanwhile.
//
// Invariant: on a payment's first day the next look is at most a minute away, or as long as this
// configuration has been in force, and never more than an hour; afterwards a 24th of the payment's
// age, so that what is missing for good costs about a hundred looks until its pay link ends.
func (e *Engine) awaitRoute(ctx context.Context, rec *payment.Record) error {
	now := e.now()
	pause := min(max(now.Sub(e.began), time.Minute), time.Hour)
	if age := now.Sub(rec.CreatedAt); age > intentKept {
		pause = max(pause, age/24)
	}
	at := now.Add(pause)
	if ends := rec.CreatedAt.Add(relayLink); at.After(ends) {
		at = ends
	}
	return e.reschedule(ctx, rec, at)
}

// replay makes the shop's own return. That it is made is durable before: whatever becomes
// of us, it is made again only if the shop was seen not to handle it.
func (e *Engine) replay(ctx context.Context, rec *payment.Record) error {
	leave, ok := e.enterReplay(rec.Site)
	if !ok {
		return e.reschedule(ctx, rec, e.now().Add(5*time.Second))
	}
	defer leave()
	now := e.now()
	asked := rec.Relay.Asked
	rec.Relay.ReplayedAt = now
	rec.Due = now.Add(PageLimit)
	if rec.Relay.Page == payment.PageOpen {
		_ = rec.LosePage(now) // it took longer than any page may
	}
	opened := rec.OpenPage(e.Store.Owner(), now)
	if err := e.commit(ctx, rec, false); err != nil {
		return ignoreConflict(err)
	}
	met := e.Shared.replays.listen(rec.ID, rec.Site)
	got, panicked := e.madeReturn(ctx, rec)
	why := missed(got, met())
	if opened {
		e.RelayPage(ctx, rec.Ref, now, got.Page)
	}
	fresh, err := e.Store.Get(ctx, rec.Ref)
	if err != nil {
		return err
	}
	if fresh.Relay.Asked > asked || fresh.Relay.Heard() {
		return panicked
	}
	if panicked == nil && why != "" {
		return e.missedReturn(ctx, fresh, why)
	}
	// The plugin did not ask, or asked with an amount that is not the payment's: it knows its
	// order, or what that costs, only by the customer's session.
	if panicked == nil {
		e.needsSession(ctx, fresh)
		e.unverifiedCredit(ctx, fresh, got.Page)
	}
	if fresh.State == payment.Verified {
		return e.reschedule(ctx, fresh, e.now())
	}
	return e.reschedule(ctx, fresh, fresh.CreatedAt.Add(relayLink))
}

// missed is why a return was not handled, which says nothing of the shop's plugin; empty if it
// was.
func missed(got Replayed, met calling) string {
	switch {
	case got.Down != "":
		return got.Down
	case got.Unsent || !got.Taken:
		return "it did not reach the route of the shop"
	case met.vain:
		return "its plugin asked, and the gateway could not be asked, or nothing could be recorded"
	case met.refused:
		return "a call to the relay was refused meanwhile, which may have been its plugin's: the line before says which"
	case got.Moved:
		return "its plugin may have asked at the address of its create, which no relay has now: write the relay and the provider's name as they were, or the new address into the plugin"
	}
	return ""
}

// afterMissed is how long to wait with a return after so many that the shop was not well
// enough to handle. Zero: no more are made.
func afterMissed(n int) time.Duration {
	return step(n, 0, time.Minute, 3*time.Minute, 10*time.Minute, 30*time.Minute, time.Hour, 2*time.Hour, 4*time.Hour)
}

// missedReturn plans a return anew that the shop was not well enough to handle.
//
// A shop that answers 500 may have run. Nobody can tell how far; but its plugin has heard no
// "first" in it, because that would be on record, and "first" is said once. So one that asks
// before it credits credits nothing twice, however often the return is made. Where the plugin
// asks past us, or not at all, the gateway is asked before each return, and one that is
// verified meanwhile gets no other.
func (e *Engine) missedReturn(ctx context.Context, rec *payment.Record, why string) error {
	for range claimTries {
		now := e.now()
		misses, at := missesOf(rec)
		if misses == nil || rec.Relay.Heard() || rec.State != payment.Created && rec.State != payment.Verified {
			return nil // somebody went on with it
		}
		*misses++
		pause := afterMissed(*misses)
		switch {
		case pause > 0:
			*at, rec.Due = time.Time{}, e.beforeGiveBack(rec, now, now.Add(pause))
		case rec.Relay != nil && rec.State == payment.Created:
			rec.Due = rec.CreatedAt.Add(relayLink)
		default:
			rec.Due = now
		}
		err := e.commit(ctx, rec, false)
		if err == nil {
			told := fmt.Errorf("%w: %s", errMissedReturn, why)
			if pause == 0 {
				told = fmt.Errorf("%w, %d times, and it is not made again: %s", errMissedReturn, *misses, why)
			}
			e.observe(EventMissedReturn, rec, told, pause == 0)
			return nil
		}
		if !errors.Is(err, payment.ErrConflict) {
			return err
		}
		if rec, err = e.Store.Get(ctx, rec.Ref); err != nil {
			return err
		}
	}
	return payment.ErrConflict
}

// beforeGiveBack is when to make a return that is planned for a later moment: soon enough that
// a gateway which gives unverified money back hasn't yet. The customer paid at some time after
// the create.
func (e *Engine) beforeGiveBack(rec *payment.Record, now, planned time.Time) time.Time {
	prov, err := e.providerFor(rec)
	if err != nil || rec.State != payment.Created {
		return planned
	}
	last := rec.CreatedAt.Add(window(prov.Terms()) - 45*time.Second)
	if last.Before(planned) && last.Sub(now) >= time.Minute {
		return last
	}
	return planned
}

// missesOf is where a record keeps its returns that the shop did not handle.
func missesOf(rec *payment.Record) (misses *int, replayed *time.Time) {
	switch {
	case rec.Relay != nil:
		return &rec.Relay.Misses, &rec.Relay.ReplayedAt
	case rec.Observed != nil:
		return &rec.Observed.Misses, &rec.Observed.ReplayedAt
	}
	return nil, nil
}

// gaveUpReturning reports whether the shop was too often not well enough to handle the return.
func gaveUpReturning(rec *payment.Record) bool {
	misses, _ := missesOf(rec)
	return misses != nil && *misses > 0 && afterMissed(*misses) == 0
}

var errMissedReturn = errors.New("the shop did not handle the return that was made for a customer who stayed away")

// madeReturn makes a return that is on record.
func (e *Engine) madeReturn(ctx context.Context, rec *payment.Record) (got Replayed, panicked error) {
	callCtx, cancel := context.WithTimeout(ctx, DeliveryTime)
	defer cancel()
	panicked = e.safely(rec.Ref, func() error {
		got = e.Sites.(Replayer).Replay(callCtx, rec) //nolint:forcetypeassert // mayReplay has looked
		return nil
	})
	if got.Page == payment.PageNone {
		got.Page = payment.PageBad
	}
	return got, panicked
}

// unverifiedCredit asks again after a replay in which the plugin did not ask: one that
// answers as if it had credited believes the browser, and its money goes back.
func (e *Engine) unverifiedCredit(ctx context.Context, rec *payment.Record, page payment.ShopPage) {
	if page != payment.PageGood || rec.State != payment.Created {
		return
	}
	prov, err := e.providerFor(rec)
	if err != nil || !inquires(prov) {
		return
	}
	if a, asked := e.inquire(ctx, prov, rec, false); asked && a.Outcome == payment.OutcomeAwaiting {
		e.observe(EventUnverifiedCredit, rec, errUnverifiedCredit, true)
	}
}
