package engine

import (
	"context"
	"errors"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// ErrLeft is returned for a browser that has left while it waited for its turn.
var ErrLeft = errors.New("the customer has left")

// RelayReturn records that the customer's return of a relayed payment reaches the shop. It
// returns the moment, or zero if there is nothing to record. While the shop answers
// another return of the payment, it waits for that one's end as long as patience allows,
// because nobody could tell to which return a page belongs. If the browser leaves meanwhile, it
// returns [ErrLeft]: this return must not reach the shop, which has the other.
func (e *Engine) RelayReturn(ctx context.Context, ref payment.Ref, ret payment.Return, patience time.Duration) (time.Time, error) {
	gone := ctx.Done()
	ctx = context.WithoutCancel(ctx)
	deadline := e.now().Add(patience)
	// What an earlier page asked is judged by that page.
	e.readForwarded(ctx)
	e.endPage(ctx, ref)
	var mine time.Time // of a commit whose outcome isn't known
	for tries := 1; ; {
		rec, err := e.Store.Get(ctx, ref)
		if err != nil || rec.Relay == nil {
			return time.Time{}, ignoreNotFound(err)
		}
		if !mine.IsZero() && rec.Relay.Page == payment.PageOpen && rec.Relay.PageAt.Equal(mine) && rec.Relay.PageBy == e.Store.Owner() {
			return mine, nil // it was written
		}
		now := e.now()
		stale := !e.pageWaits(rec, now)
		if rec.Relay.Page == payment.PageOpen && !stale && now.Before(deadline) {
			if e.relayWait(gone, relayPoll) {
				continue
			}
			return time.Time{}, ErrLeft
		}
		if rec.Relay.Page == payment.PageOpen && stale {
			_ = rec.LosePage(now)
		}
		opened := rec.OpenPage(e.Store.Owner(), now)
		if !opened && !rec.Overlap() {
			return time.Time{}, nil
		}
		switch known := rec.Return; {
		case known == nil && !rec.State.Captured():
			ret.Arrived = now
			rec.Return = &ret
		case known != nil && known.Arrived.IsZero():
			// The address stays that of the create; who came, and how, is what a replay
			// repeats. From the first on the return is fixed.
			known.Arrived, known.By, known.Host, known.Secure, known.Method = now, ret.By, ret.Host, ret.Secure, ret.Method
		}
		// What the shop hears in it past the ledger is noted on disk, so the page is, too.
		err = e.commit(ctx, rec, e.Forwards == nil || !e.Forwards())
		switch {
		case errors.Is(err, payment.ErrConflict):
			continue
		case err != nil:
			// A page that isn't on record proves nothing: a plugin that dies in it would
			// count as credited.
			if mine, tries = now, tries+1; tries > claimTries || !now.Before(deadline) || !e.relayWait(gone, relayPoll) {
				return time.Time{}, err
			}
			continue
		case opened:
			return now, nil
		}
		return time.Time{}, nil
	}
}

// RelayPage records how the shop answered the return that came at the given moment.
//
// Invariant: what the shop heard in a page is judged by that page, so a page ends on record
// only after all that passed in it is read in.
func (e *Engine) RelayPage(ctx context.Context, ref payment.Ref, at time.Time, said payment.ShopPage) {
	ctx = context.WithoutCancel(ctx)
	for range claimTries {
		rec, err := e.Store.Get(ctx, ref)
		if err == nil {
			rec, err = e.afterReading(ctx, rec)
		}
		switch {
		case errors.Is(err, payment.ErrNotFound), err == nil && rec.Relay == nil:
			return
		case err != nil:
			e.Shared.pages.put(ref, endedPage{at, said, false}, e.now())
			return
		}
		was := rec.State
		if err := rec.EndPage(at, said, e.now()); err != nil {
			return
		}
		e.keepParked(rec)
		outcome := countRelayed(rec)
		err = e.commit(ctx, rec, true)
		if err == nil {
			e.Shared.pages.put(ref, endedPage{at, said, true}, e.now())
			e.counted(EventHanded, rec, outcome)
			if rec.State != was {
				e.tellRelayed(ctx, rec, true)
			}
			return
		}
		if !errors.Is(err, payment.ErrConflict) {
			e.Shared.pages.put(ref, endedPage{at, said, false}, e.now())
			e.trouble(rec, err, true)
			return
		}
	}
}

// endedPage is how a page ended: one that the ledger couldn't record, or that has to wait until
// what passed in it is read in, or one that is written, which a crash of the database may take.
type endedPage struct {
	at      time.Time
	said    payment.ShopPage
	written bool
}

// endPages records the ends of pages that could not be recorded before.
func (e *Engine) endPages(ctx context.Context) {
	for _, ref := range e.Shared.pages.which(func(p endedPage) bool { return !p.written }) {
		e.endPage(ctx, ref)
	}
}

// endPage records a page's end that isn't on record. Otherwise the next return would wait for a
// page that nobody waits for, and prove nothing.
func (e *Engine) endPage(ctx context.Context, ref payment.Ref) {
	if page, ok := e.Shared.pages.take(ref); ok {
		e.RelayPage(ctx, ref, page.at, page.said)
	}
}
