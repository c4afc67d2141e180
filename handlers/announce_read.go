package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

const (
	// announceTime bounds how long an answer waits until what it announces is
	// remembered.
	announceTime = 2 * time.Second
	// mostID bounds a provider's id in X-Payment-Id.
	mostID = 128
)

// announcement is what the shop's headers say, read.
type announcement struct {
	provider *provider
	id       string
	order    string
	amount   payment.Rials
	back     *payment.Return
	route    string
}

// announced records an announcement before the browser is let go to the bank. An
// error means that it must not go: it would pay what nobody remembers, or what
// can't be credited. p and id are what the answer's Location says, nil without.
//
// Its invariant: an answer that announces a payment leaves only when the payment
// is on record, or, where the route can do without, when the owner was told why
// it isn't.
func (h *Handler) announced(w http.ResponseWriter, r *http.Request, p *provider, id string, status int, header http.Header) error {
	// A browser that has gone is no reason to forget what the bank knows.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), announceTime)
	defer cancel()
	a, wrong := h.readAnnouncement(r, p, id, header)
	if wrong != nil {
		sends := p != nil || h.sendsToPay(r, status, header)
		h.unusable(ctx, r, a, wrong, sends)
		if sends && h.strict(a.provider) {
			return wrong
		}
		if a.amount == 0 {
			return nil
		}
	}
	eng, keys, err := h.ready(ctx)
	if err != nil {
		return err
	}
	site := h.siteOf(r)
	rec, err := eng.Announce(ctx, engine.Announcement{
		Site: site.id, Formerly: site.formerly(), Route: a.route, Provider: a.provider.Name, ID: a.id, Order: a.order, Amount: a.amount,
		Return: a.back, Track: h.currentTrack(r, keys), Many: h.many(a.provider), Observed: h.observesOnly(a.provider),
	})
	if errors.Is(err, engine.ErrForeign) && !h.strict(a.provider) {
		return nil // the engine has told
	}
	if err != nil {
		return fmt.Errorf("order %.64q, %s, id %.64q: %w", a.order, a.provider.Name, a.id, err)
	}
	privately(header, forNobody)
	h.rememberPending(w, r, keys, rec, site.id)
	return nil
}

// readAnnouncement reads the headers. With an error amount is zero if nothing
// of them can be used; where only the return address can't, the rest is there.
func (h *Handler) readAnnouncement(r *http.Request, p *provider, id string, header http.Header) (announcement, error) {
	a := announcement{provider: p, id: id, order: header.Get(headerOrder)}
	if h.nameless(r) {
		return a, errNameless
	}
	if err := h.announcedFor(&a, header); err != nil {
		return a, err
	}
	if payment.CheckOrder(a.order) != nil {
		return a, fmt.Errorf("%s is %.80q: it must have 1 to 64 bytes and no control characters", headerOrder, a.order)
	}
	amount, err := payment.ParseRials(header.Get(headerAmount))
	if err != nil {
		return a, fmt.Errorf("%s is %.40q: it must be whole rials, digits only", headerAmount, header.Get(headerAmount))
	}
	a.amount = amount
	if back := header.Get(headerReturn); back != "" && (h.verifies(a.provider) || len(h.Observe) == 0) {
		var why error
		if a.back, a.route, why = h.announcedReturn(r, a.provider, back); why != nil {
			return a, fmt.Errorf("%s is %.200q, so nobody asks for this payment unless its customer returns: %w", headerReturn, back, why)
		}
	}
	return a, nil
}

// announcedFor finds the payment that an announcement is about: the pay page that
// the answer redirects to; else X-Payment-Id, of the only provider that this
// site's verify routes have, or of the one in X-Payment-Provider.
func (h *Handler) announcedFor(a *announcement, header http.Header) error {
	id, name := header.Get(headerID), header.Get(headerName)
	if a.provider != nil {
		if id != "" && id != a.id {
			return fmt.Errorf("%s is %.64q, and the redirect leads to the pay page of another", headerID, id)
		}
		return nil
	}
	if id == "" {
		return fmt.Errorf("neither Location nor %s names the payment: the answer is no redirect to a pay page of a provider of this site%s", headerID, ledTo(header))
	}
	if !visible(id) {
		return fmt.Errorf("%s must be the provider's id: 1 to %d visible ASCII characters", headerID, mostID)
	}
	a.id = id
	for _, p := range h.announcing() {
		switch {
		case name != "" && p.Name != name || a.provider != nil && a.provider.Name == p.Name:
		case a.provider != nil:
			a.provider = nil
			return fmt.Errorf("this site has several providers, so %s needs %s beside it", headerID, headerName)
		default:
			a.provider = p
		}
	}
	if a.provider == nil {
		return fmt.Errorf("%s is %.40q: no verify or observe route of this site has that provider", headerName, name)
	}
	return nil
}

// ledTo says where an answer leads, for the owner's eyes: host and path, without
// what may be a secret.
func ledTo(header http.Header) string {
	to := header.Get("Location")
	if to == "" {
		return " (it has no Location)"
	}
	u, err := url.Parse(to)
	if err != nil {
		return " (its Location is no address)"
	}
	more := ""
	if u.RawQuery != "" {
		more = "?…"
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
	if u.Opaque != "" {
		u.Opaque = "…"
	}
	return fmt.Sprintf(" (its Location is %.200q%s)", u.String(), more)
}

// sendsToPay reports whether an answer that can't be used as an announcement could
// still send a customer to pay: it names a payment (a form that submits itself,
// JSON, a script), or it redirects to another host, which may be a pay page that we
// don't know. A page of the shop's own, or a redirect within it, sends nobody
// anywhere, and goes out whatever headers it carries.
func (h *Handler) sendsToPay(r *http.Request, status int, header http.Header) bool {
	if len(header[headerID]) > 0 {
		return true
	}
	if status < 300 || status > 399 || len(header["Location"]) == 0 {
		return false
	}
	u, err := url.Parse(header.Get("Location"))
	return err != nil || u.Host != "" && !h.calledBy(r, u) || u.Scheme != "" && u.Host == ""
}

// strict: a route of this provider, or of any where it isn't known, credits
// nothing but what was announced.
func (h *Handler) strict(p *provider) bool {
	return slices.ContainsFunc(h.Verify, func(v *Verify) bool { return v.route.expect == expectIntent && (p == nil || p.Name == v.Provider) })
}

// observesOnly: customers of a provider come back to a shop that verifies by itself.
func (h *Handler) observesOnly(p *provider) bool {
	return !h.verifies(p) && slices.ContainsFunc(h.Observe, func(o *Observe) bool { return o.Provider == p.Name })
}

// many: an order of this provider's may be paid more than once.
func (h *Handler) many(p *provider) bool {
	return slices.ContainsFunc(h.Verify, func(v *Verify) bool { return v.Provider == p.Name && v.Orders == "many" })
}

// unusable tells the owner of an announcement that can't be used, or not wholly.
// What names no payment and sends nobody to pay is what a shop says that puts the
// headers on all its pages: a few traces of it are enough.
func (h *Handler) unusable(ctx context.Context, r *http.Request, a announcement, why error, sends bool) {
	site := h.siteOf(r).id
	refusal := engine.Refusal{Site: site, ID: a.id, Order: a.order, Amount: a.amount, Reason: payment.ReasonUnusable, Err: why}
	if a.provider != nil {
		refusal.Provider = a.provider.Name
	}
	if !sends {
		refusal.Client = "pages of " + site
	}
	h.refused(ctx, engine.EventUnusable, refusal)
}

// refused tells the engine of a refusal, or, where that isn't there, the owner of the event
// that the engine would raise.
func (h *Handler) refused(ctx context.Context, event string, r engine.Refusal) {
	eng, err := h.app.Engine(ctx)
	if err != nil {
		h.app.Observe(engine.Event{Name: event, Site: r.Site, Provider: r.Provider, ID: r.ID, Order: r.Order, Reason: r.Reason, Err: r.Err, Alert: true})
		return
	}
	eng.Refused(ctx, r)
}
