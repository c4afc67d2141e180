package handlers

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/pages"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
)

const (
	// familyPending is the prefix of the cookies that name the payments which a browser was
	// sent to pay, for returns that name none. There is one cookie for each payment, because
	// two tabs are two payments.
	familyPending = "pending_"
	// mostPending is how many are kept, of some 80 bytes each.
	mostPending = 8
	pendingLife = time.Hour
)

// rememberPending gives the browser the cookie of a payment that it is sent to pay, and
// deletes the oldest such cookies beyond the bound.
func (h *Handler) rememberPending(w http.ResponseWriter, r *http.Request, keys *token.Keys, rec *payment.Record, site string) {
	view, name := h.view(r), string(rec.Ref[:paidName])
	old := h.pending(r, keys)
	for i := 0; len(old)-i >= mostPending; i++ {
		if old[i].Name != name {
			token.DropCookie(w, familyPending+old[i].Name, view)
		}
	}
	token.SetCookie(w, familyPending+name, keys.SignRef(rec.Ref, site), pendingLife, view)
}

// pending returns the cookies that name the payments which a browser was sent to pay. What
// somebody plants is not ours and takes no place.
func (h *Handler) pending(r *http.Request, keys *token.Keys) []token.Named {
	names := h.siteOf(r).names
	return token.ReadCookies(r, familyPending, h.view(r), func(value string) bool {
		_, err := keys.OpenRef(value, names)
		return err == nil
	})
}

// pendings returns the payments that this browser was sent to pay at this route's provider and
// to which this return may belong. If the return or a bound parameter names an order, they
// are that order's. Settled payments count only if no other is left, for a page that is
// loaded again.
func (t *returnRequest) pendings(ctx context.Context, order string) []*payment.Record {
	var open, done []*payment.Record
	for _, c := range t.h.pending(t.r, t.keys) {
		ref, err := t.keys.OpenRef(c.Value, t.site.names)
		if err != nil {
			continue
		}
		rec, err := t.eng.Store.Get(ctx, ref)
		if err != nil || !t.mine(rec) || order != "" && rec.Order != order {
			continue
		}
		if bound := t.bound(); bound != nil && !bound(rec.Order) {
			continue
		}
		if settledFor(rec) {
			done = append(done, rec)
		} else {
			open = append(open, rec)
		}
	}
	if len(open) == 0 && len(done) > 0 && t.bare() {
		return done[len(done)-1:]
	}
	return open
}

// bare reports whether a return has none of the provider's parameters.
func (t *returnRequest) bare() bool {
	return !slices.ContainsFunc(t.v.route.provider.terms.Params, t.set.Has)
}

// mine reports whether a return of this route may belong to a record.
func (t *returnRequest) mine(rec *payment.Record) bool {
	return t.site.is(rec.Site) && payment.SameMoney(rec.Issuer, t.v.route.provider.terms.Issuer) && rec.CameTo(t.v.route.name, t.v.Provider)
}

// settledFor: the payment's return has come and was answered.
func settledFor(rec *payment.Record) bool {
	return rec.State.Captured() && rec.State != payment.Verified || rec.State == payment.Review || rec.State == payment.Reversed
}

// askAll asks about each payment to which a return without any name may belong, and answers
// with the one that was paid. If another one was not paid, nobody is told to pay again.
func (t *returnRequest) askAll(ctx context.Context, asks []engine.Ask) error {
	results := make([]engine.Result, len(asks))
	var all sync.WaitGroup
	for i := range asks {
		all.Go(func() { results[i] = t.eng.Admit(ctx, asks[i]) })
	}
	all.Wait()
	best := slices.MaxFunc(results, func(a, b engine.Result) int { return worth[a.Kind] - worth[b.Kind] })
	if worth[best.Kind] > 0 {
		return t.answer(best)
	}
	return t.comeAgain(pages.Confirming, nil)
}

// worth ranks the answers for several payments; the highest is given.
var worth = map[engine.Kind]int{engine.Verified: 4, engine.Parked: 3, engine.Review: 2, engine.Duplicate: 1}
