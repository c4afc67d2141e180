package doors

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// outages are the ways in which a world's ledger refuses for a while.
var outages = []string{
	"broken", // it says so, and writes nothing
	"full",   // nothing new
	"filled", // nothing at all
	"gone",   // nothing is read either, as with a database that can't be reached
	"unseen", // it says that all is well, and writes nothing
	"unsure", // each other change fails, and part of those are written all the same
}

var errNoLedger = errors.New("the ledger of this world is out of order")

// owned is a world's ledger, with an owner of its own: what outlives a configuration is
// kept under that name. It may be out of order.
type owned struct {
	*memory.Store
	owner string
	order *order
}

// order is what is wrong with a ledger.
type order struct {
	mu      sync.Mutex
	how     string
	changes int
}

func (o *order) set(how string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.how = how
}

// ready is what a ledger in that order says of itself.
func (o *order) ready() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch o.how {
	case "broken":
		return payment.ErrBroken
	case "full":
		return payment.ErrFull
	case "filled":
		return fmt.Errorf("no room at all: %w", payment.ErrFull)
	case "gone":
		return errNoLedger
	}
	return nil
}

func (o *order) lies() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.how == "lies"
}

// reads is the error of a look-up.
func (o *order) reads() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.how == "gone" {
		return errNoLedger
	}
	return nil
}

// writes is the error of a change to a record that has that version; written tells that it
// is made all the same.
func (o *order) writes(version uint64) (written bool, err error) {
	if err := o.ready(); err != nil {
		return false, map[bool]error{true: nil, false: err}[err == payment.ErrFull && version > 0] //nolint:errorlint // wrapped means more
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch o.how {
	case "unseen", "lies":
		return false, errNoLedger
	case "unsure":
		if o.changes++; o.changes%2 == 1 {
			return o.changes%4 == 1, errNoLedger
		}
	}
	return false, nil
}

func (o owned) Owner() string              { return o.owner }
func (o owned) Alive(l payment.Lease) bool { return l.Owner == o.owner && o.Now().Before(l.Until) }
func (o owned) Ready() error               { return errors.Join(o.Store.Ready(), o.order.ready()) }

func (o owned) Get(ctx context.Context, ref payment.Ref) (*payment.Record, error) {
	if err := o.order.reads(); err != nil {
		return nil, err
	}
	return o.Store.Get(ctx, ref)
}

func (o owned) Holder(ctx context.Context, k payment.Key) (payment.Ref, error) {
	if err := o.order.reads(); err != nil {
		return "", err
	}
	return o.Store.Holder(ctx, k)
}

func (o owned) Commit(ctx context.Context, c payment.Change) error {
	written, err := o.order.writes(c.Record.Version)
	if o.order.lies() { // a fault of these tests
		c.Record.Version++
		return nil
	}
	if err == nil {
		return o.Store.Commit(ctx, c)
	}
	if written {
		c.Record = c.Record.Clone()
		_ = o.Store.Commit(ctx, c)
	}
	return err
}

func (o owned) Forget(ctx context.Context, ref payment.Ref, version uint64) error {
	if _, err := o.order.writes(version); err != nil {
		return err
	}
	return o.Store.Forget(ctx, ref, version)
}

func (o owned) Due(ctx context.Context, t time.Time, limit int) ([]payment.Ref, error) {
	if err := o.order.reads(); err != nil {
		return nil, err
	}
	return o.Store.Due(ctx, t, limit)
}

func (o owned) List(ctx context.Context, q payment.Listing) (payment.Page, error) {
	if err := o.order.reads(); err != nil {
		return payment.Page{}, err
	}
	return o.Store.List(ctx, q)
}

func (o owned) PutTrack(ctx context.Context, visitor string, t payment.Track, expires time.Time) error {
	if _, err := o.order.writes(0); err != nil {
		return err
	}
	return o.Store.PutTrack(ctx, visitor, t, expires)
}

func (o owned) Track(ctx context.Context, visitor string) (payment.Track, error) {
	if err := o.order.reads(); err != nil {
		return payment.Track{}, err
	}
	return o.Store.Track(ctx, visitor)
}

func (o owned) Generation(ctx context.Context) (payment.Generation, error) {
	if err := o.order.reads(); err != nil {
		return payment.Generation{}, err
	}
	return o.Store.Generation(ctx)
}

// outage draws when a world's ledger refuses, and how, with a randomness of its own, so
// that the other worlds stay what they are.
func (p *plan) outage() {
	d := newDraw(p.Seed ^ 0x1ed9e7)
	if len(p.Steps) == 0 || !d.chance(15) {
		return
	}
	from := d.IntN(len(p.Steps))
	until := from + 1 + d.IntN(min(14, len(p.Steps)-from))
	p.Steps = slices.Insert(p.Steps, until, step{Do: "ledger"})
	p.Steps = slices.Insert(p.Steps, from, step{Do: "ledger", How: d.one(outages...)})
}

// ledgerIs puts the world's ledger out of order, or in order again. The customers who met
// our page in between come again: their browsers do that by themselves, if their tabs are
// still open.
func (w *world) ledgerIs(how string) {
	w.mu.Lock()
	was := w.out
	w.out = how
	w.mu.Unlock()
	if was == how {
		return
	}
	running.Lock()
	order := running.order
	running.Unlock()
	if order.set(how); how != "" {
		w.refused = true
		w.verifyCalls = w.askedByUs()
		w.say("# the ledger is %s", how)
		return
	}
	w.say("# the ledger is in order again")
	w.pass(20 * time.Second)
	w.judgeForwarded()
	for _, slot := range slices.Sorted(maps.Keys(w.slots)) {
		if p := w.slots[slot]; p.Turned && len(w.faults) == 0 {
			if p.Turned = false; slot%2 == 0 {
				w.comeBack(p)
			} else {
				p.Closed = true
			}
		}
	}
}

// silent: nothing can be recorded of a payment that is on record or not.
func silent(out string) bool {
	return out == "broken" || out == "filled" || out == "gone" || out == "unseen" || out == "lies"
}

// judgeOutage looks at what a request or the worker has caused while nothing could be
// recorded: nobody was asked about a payment.
func (w *world) judgeOutage() {
	if !silent(w.out) {
		return
	}
	if n := w.askedByUs(); n != w.verifyCalls {
		w.verifyCalls = n
		w.fail("asked-unrecorded", "a gateway is asked to verify a payment, and no claim to it can be on record: the ledger is %s", w.out)
	}
}

// askedByUs counts the verify calls about payments that shops don't verify themselves.
func (w *world) askedByUs() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	theirs := make(map[string]bool)
	for _, p := range w.purchases {
		theirs[p.ID] = p.Plugin && w.passes(p.Block)
	}
	n := 0
	for _, p := range w.bank.sb.Ledger("", "", "").Payments {
		if !theirs[p.ID] {
			n += p.Verify.Calls
		}
	}
	return n
}

// passes: the shop's calls go straight through while the ledger refuses, or always.
func (w *world) passes(block int) bool {
	b := w.blockNumbered(block)
	return b == nil || b.Plugin == nil || b.Plugin.Forward || b.Plugin.Bare
}

// judgeRemembered: whom we send to the bank has a payment that is on record.
func (w *world) judgeRemembered(p *purchase) {
	b := w.blockNumbered(p.Block)
	switch {
	case b == nil || len(w.faults) > 0 || w.record(p) != nil:
	case p.Checkout, !p.Plugin && !b.NoAnnounce && b.Verifies[p.Verify].Expect == "intent", p.Plugin && (b.Plugin.Bare && b.Plugin.Tells && !b.NoAnnounce || !b.Plugin.Bare && (!b.Plugin.Forward || w.out == "")):
		w.fail("unremembered", "browser %d is sent to the bank to pay %s (order %s, %d rials, of %s), of which nothing is on record", p.Browser, p.ID, p.Order, p.Amount, p.Site)
	}
}

// judgeForwarded: what passed while the ledger refused is read in once it is back. The
// worker may be reading just now, in real time.
func (w *world) judgeForwarded() {
	for end := time.Now().Add(hangs()); len(w.faults) == 0; time.Sleep(20 * time.Millisecond) {
		p := w.forgotten()
		if p == nil {
			return
		}
		if time.Now().After(end) {
			w.fail("forwarded-forgotten", "payment %s of %s was begun while the ledger refused, and is not on record once it is back", p.ID, p.Site)
		}
		w.work()
	}
}

// forgotten is a payment whose customer was sent to the bank by a relayed shop, and that is
// not on record.
func (w *world) forgotten() *purchase {
	for _, p := range w.all() {
		if b := w.blockNumbered(p.Block); p.Plugin && p.Link != "" && b != nil && b.Plugin != nil && !b.Plugin.Bare && w.record(p) == nil {
			return p
		}
	}
	return nil
}
