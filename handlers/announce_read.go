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
	// page: the answer leads to its pay page.
	page bool
}

// announced records an announcement before the browser is let go to the bank. An
// error means that it must not go: it would pay what nobody remembers, or what
// can't be credited. wrong says why it isn't known whose payment it is.
//
// Its invariant: an answer that announces a payment leaves only when the payment
// is on record, or, where the route can do without, when the owner was told why
// it isn't.
func (h *Handler) announced(w http.ResponseWriter, r *http.Request, a announcement, wrong error, status int, header http.Header) error {
	// A browser that has gone is no reason to forget what the bank knows.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), announceTime)
	defer cancel()
	if wrong == nil {
		wrong = h.readAnnouncement(r, &a, header)
	}
	if wrong != nil {
		sends := a.page || h.sendsToPay(r, status, header)
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
func (h *Handler) readAnnouncement(r *http.Request, a *announcement, header http.Header) error {
	if h.nameless(r) {
		return errNameless
	}
	if payment.CheckOrder(a.order) != nil {
		return fmt.Errorf("%s is %.80q: it must have 1 to 64 bytes and no control characters", headerOrder, a.order)
	}
	amount, err := payment.ParseRials(header.Get(headerAmount))
	if err != nil {
		return fmt.Errorf("%s is %.40q: it must be whole rials, digits only", headerAmount, header.Get(headerAmount))
	}
	a.amount = amount
	if back := header.Get(headerReturn); back != "" && (h.verifies(a.provider) || len(h.Observe) == 0) {
		var why error
		if a.back, a.route, why = h.announcedReturn(r, a.provider, back); why != nil {
			return fmt.Errorf("%s is %.200q, so nobody asks for this payment unless its customer returns: %w", headerReturn, back, why)
		}
	}
	return nil
}

// announcedFor returns the accounts of which an announced payment may be, and its id: by the
// pay page that the answer redirects to, which is that of all; else by X-Payment-Id. With
// an error it returns whom the announcement concerns.
func (h *Handler) announcedFor(r *http.Request, all []payee, id string, header http.Header) ([]payee, string, error) {
	said, name := header.Get(headerID), header.Get(headerName)
	doubtful, twice := saidTwice(header)
	if doubtful {
		return []payee{{h: concerned(slices.Concat(all, h.announcingTo(r), []payee{{h: h}}))}}, "", twice
	}
	if len(all) > 0 {
		if read, err := all[0].p.readID(said); err == nil {
			said = read
		}
		all = meant(r, all, header)
		if said != "" && said != id {
			return all, id, fmt.Errorf("%s is %.64q, and the redirect leads to the pay page of another", headerID, said)
		}
		return all, id, twice
	}
	routes := h.announcingTo(r)
	all = slices.DeleteFunc(slices.Clone(routes), func(c payee) bool { return name != "" && c.p.Name != name })
	nobody := []payee{{h: concerned(slices.Concat(all, routes, []payee{{h: h}}))}}
	switch {
	case said == "":
		return nobody, "", fmt.Errorf("neither Location nor %s names the payment: the answer is no redirect to a pay page of a provider of this site%s", headerID, ledTo(header))
	case !visible(said):
		return nobody, "", fmt.Errorf("%s must be the provider's id: 1 to %d visible ASCII characters", headerID, mostID)
	case len(all) == 0:
		return nobody, said, fmt.Errorf("%s is %.40q: no verify or observe route of this site has that provider", headerName, name)
	}
	if all = meant(r, all, header); len(all) > 1 {
		return nobody, said, fmt.Errorf("this site has several providers, so %s needs %s beside it", headerID, headerName)
	}
	read, err := all[0].p.readID(said)
	if err != nil {
		return all, said, fmt.Errorf("%s is %.64q, and its provider is %s: %w", headerID, said, all[0].p.Name, err)
	}
	said = read
	return all, said, twice
}

// saidTwice refuses an announcement that two readers could read in two ways: a header that
// stands twice and says two things. doubtful: the payment itself is in doubt.
func saidTwice(header http.Header) (doubtful bool, err error) {
	for _, name := range []string{"Location", headerID, headerName, headerOrder, headerAmount, headerReturn} {
		switch _, ok := agreed(header, name); {
		case ok:
		case name == "Location":
			return true, errors.New("Location stands twice in the answer, with two addresses: write it once")
		default:
			return name == headerID || name == headerName, fmt.Errorf("%s stands twice in the answer, as %.80q and as %.80q: write it once", name, header[name][0], otherCopy(header[name]))
		}
	}
	return false, nil
}

// agreed returns what all copies of a header say, "" where there is none. ok is false where
// two of them differ: whoever reads the first and whoever reads the last would read two things.
func agreed(header http.Header, name string) (value string, ok bool) {
	all := header[name]
	if len(all) == 0 {
		return "", true
	}
	return all[0], otherCopy(all) == all[0]
}

// otherCopy returns the first copy that differs from the first of all, else that itself.
func otherCopy(all []string) string {
	if i := slices.IndexFunc(all, func(v string) bool { return v != all[0] }); i > 0 {
		return all[i]
	}
	return all[0]
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
	if status < 300 || status > 399 {
		return false
	}
	return slices.ContainsFunc(header["Location"], func(to string) bool {
		u, err := url.Parse(to)
		return err != nil || u.Host != "" && !h.calledBy(r, u) || u.Scheme != "" && u.Host == ""
	})
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
