package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/pages"
	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/payment"
)

// mostReadings bounds in how many ways a return may be read.
const mostReadings = 64

var errManyReadings = fmt.Errorf("%w: it may be read in more than %d ways", payment.ErrMalformed, mostReadings)

// brought is what a request brings to an observe route: its form, as a query, and the
// payments that some reader finds in it.
type brought struct {
	form  []byte
	named []payment.Claimed
}

func (o *Observe) brought(r *http.Request) (brought, error) {
	form, err := asQuery(r)
	if err != nil {
		return brought{}, err
	}
	named, err := o.named(r.URL.RawQuery, form)
	return brought{form, named}, err
}

// observed is the observe route that takes a request which names a payment, however
// its path is spelt, and what the request brings.
func (h *Handler) observed(r *http.Request, needsMatcher bool) (*Observe, brought, error) {
	for _, o := range h.Observe {
		how := elsewhere
		if len(o.matchers) > 0 {
			if ok, err := o.matches(r, needsMatcher); ok && err == nil {
				how = exactly
			}
		} else {
			how = o.relates(r, needsMatcher)
		}
		if how < within {
			continue
		}
		b, err := o.brought(r)
		h.untold(r, o, b)
		if len(b.named) > 0 || err != nil {
			return o, b, err
		}
		// Without the provider's other parameters it is no return to us, and to a shop
		// that cleans its input it may be one.
		eng, _ := h.app.Engine(r.Context())
		if rec, err := h.respelt(r, o, eng, b); rec != nil {
			return o, b, nil
		} else if err != nil {
			return o, b, err
		}
	}
	return nil, brought{}, nil
}

// untold takes out of a request the cookies that name a relayed payment which the
// request itself does not name: a PHP without php.ini reads them in its place. All
// others stay, though they bear a parameter's name: a shop may call its session so.
func (h *Handler) untold(r *http.Request, o *Observe, b brought) {
	lines := r.Header["Cookie"]
	if len(lines) == 0 {
		return
	}
	cookies := strings.ReplaceAll(strings.Join(lines, ";"), ";", "&")
	if !o.conf.guarded.Carries(cookies) {
		return
	}
	all, err := o.named(r.URL.RawQuery+"&"+cookies, b.form)
	if err == nil {
		eng, _ := h.app.Engine(r.Context())
		if !slices.ContainsFunc(all, func(c payment.Claimed) bool {
			if names(b.named, c.ID) {
				return false
			}
			rec, err := h.relayedOf(r.Context(), eng, o, c.ID)
			return err == nil && rec != nil
		}) {
			return
		}
	}
	r.Header["Cookie"] = o.conf.guarded.Cookies(lines)
}

func names(all []payment.Claimed, id string) bool {
	return slices.ContainsFunc(all, func(c payment.Claimed) bool { return c.ID == id })
}

// named returns the payments that some reader of a request finds in its query or form:
// of a name that is there twice one reader takes the first, another the last, and
// PHP folds names.
func (o *Observe) named(query string, form []byte) ([]payment.Claimed, error) {
	if query == "" && len(form) == 0 {
		return nil, nil
	}
	if len(query) > params.MaxBytes || len(form) > params.MaxBytes {
		return nil, errManyReadings
	}
	known := o.conf.provider.terms.Params
	found, readings := make([][]string, len(known)), 1
	for i, name := range known {
		found[i] = params.Values(query, form, name)
		if readings *= max(len(found[i]), 1); readings > mostReadings || len(found[i]) == params.MostValues {
			return nil, errManyReadings
		}
	}
	var all []payment.Claimed
	for n := range readings {
		reading := make(map[string]string, len(known))
		for i, name := range known {
			if values := found[i]; len(values) > 0 {
				reading[name], n = values[n%len(values)], n/len(values)
			}
		}
		claimed, err := o.conf.provider.ReadReturn(func(name string) string { return reading[name] })
		if err == nil && claimed.ID != "" && !names(all, claimed.ID) {
			all = append(all, claimed)
		}
	}
	return all, nil
}

// foreign answers a return whose address is not that of its payment's create, and
// returns the payment of any other.
//
// Its invariant: of a payment that was created through us, a return reaches the shop
// only with the callback of that create, and in a form of which every reader finds the
// same payment and the same parameters of the shop's own. Several plugins take "again"
// for paid and never compare the id that they stored.
func (h *Handler) foreign(r *http.Request, o *Observe, eng *engine.Engine, b brought) (*payment.Record, error) {
	var ours *payment.Record
	for _, c := range b.named {
		rec, err := h.relayedOf(r.Context(), eng, o, c.ID)
		if err != nil || rec == nil {
			continue
		}
		if why := h.otherAddress(r, o, rec); why != nil {
			return rec, why
		}
		ours = rec
	}
	if rec, why := h.respelt(r, o, eng, b); why != nil {
		return rec, why
	}
	return ours, nil
}

// otherAddress tells why a return is not that of its payment's create.
func (h *Handler) otherAddress(r *http.Request, o *Observe, rec *payment.Record) error {
	if !h.siteOf(r).is(rec.Site) {
		return errors.New("it is the return of another site's payment")
	}
	address := rec.Return.Address()
	if rec.Relay != nil {
		address = rec.Relay.Callback
	}
	if address == "" {
		return nil // nobody saw its create
	}
	want, err := url.Parse(address)
	if err != nil {
		return nil
	}
	came, err := url.ParseRequestURI(originalURI(r))
	if err != nil {
		return errors.New("the address can't be read")
	}
	if strings.TrimSuffix(want.Path, "/") != strings.TrimSuffix(came.Path, "/") {
		return errors.New("it came to another path than its payment was created with")
	}
	had, have := want.Query(), came.Query()
	var own []string
	for name, values := range had {
		got := have[name]
		theirs := slices.Contains(o.conf.provider.terms.Params, name)
		if theirs && len(got) > len(values) {
			got = got[:len(values)] // the provider's own came on top
		}
		if !slices.Equal(values, got) {
			return fmt.Errorf("the shop's own parameter %s is not the one of the create", bounded(name))
		}
		if !theirs && len(values) == 1 && !strings.ContainsAny(name, "[*") {
			own = append(own, name)
		}
	}
	return o.unequivocal(r, rec, own, want.RawQuery)
}

// unequivocal tells why a return could be read in another way than that it is about
// this payment and has these parameters of the shop's own.
func (o *Observe) unequivocal(r *http.Request, rec *payment.Record, own []string, callback string) error {
	theirs := o.conf.provider.terms.Params
	guarded := params.NewNames(append(slices.Clone(theirs), own...)...).Lend(theirs...)
	if lines := r.Header["Cookie"]; len(lines) > 0 {
		r.Header["Cookie"] = params.NewNames(own...).Cookies(lines)
	}
	body, _ := peek(r, params.MaxBytes+1)
	set, err := params.ParseKnown(r.URL.RawQuery, body, r.Header.Get("Content-Type"), guarded, callback)
	if err != nil {
		return err
	}
	claimed, err := o.conf.provider.ReadReturn(set.Get)
	if err != nil {
		return err
	}
	switch {
	case claimed.ID != rec.ID:
		return errors.New("it names two payments")
	case claimed.Order != "" && rec.Relay != nil && rec.Order != rec.ID && claimed.Order != rec.Order && !params.CarriesOne(callback, theirs):
		return errors.New("it names another order than its create")
	}
	return nil
}

// strayed answers a return of a relayed payment that no route takes, if its payment was
// created with another address; nil for every other request.
//
// Whoever forges a return leaves out what the shop's plugin doesn't look at. So two of the
// parameters that all returns have are enough to look whether the payment is one of ours;
// one alone is the shop's own page about a payment.
func (h *Handler) strayed(r *http.Request) answerer {
	for i, o := range h.Observe {
		if slices.ContainsFunc(h.Observe[:i], func(p *Observe) bool { return p.Provider == o.Provider }) {
			continue
		}
		all := len(o.conf.provider.terms.Marks)
		n := o.marks(r)
		if n == 0 || n < min(all, 2) {
			continue
		}
		b, err := o.brought(r)
		h.untold(r, o, b)
		if err != nil && n == all && h.relays(o.Provider) {
			return h.refuseForeign(r, o, nil, err)
		}
		eng, _ := h.app.Engine(r.Context())
		if rec, why := h.foreign(r, o, eng, b); why != nil {
			return h.refuseForeign(r, o, rec, why)
		}
	}
	return nil
}

// marks counts what a request has of that which every return of the provider has,
// wherever a reader may look for it.
func (o *Observe) marks(r *http.Request) (n int) {
	marks := o.conf.provider.terms.Marks
	var form, cookies string
	looked := false
	for i := range marks {
		if params.CarriesAll(r.URL.RawQuery, marks[i:i+1]) {
			n++
			continue
		}
		if !looked {
			body, err := asQuery(r)
			if err != nil { // a shop may read it, but no gateway sends packed JSON
				if strings.Contains(strings.ToLower(r.Header.Get("Content-Type")), "json") {
					return 0
				}
				return len(marks)
			}
			looked, form = true, string(body)
			if len(r.Header["Cookie"]) > 0 {
				cookies = strings.Join(r.Header["Cookie"], ";")
			}
		}
		if params.CarriesAll(form, marks[i:i+1]) || params.CarriesAll(cookies, marks[i:i+1]) {
			n++
		}
	}
	return n
}

// refuseForeign is our page in place of the shop's, and an event.
func (h *Handler) refuseForeign(r *http.Request, o *Observe, rec *payment.Record, why error) answerer {
	caddyhttp.SetVar(r.Context(), routedVar, true)
	e := engine.Event{Name: engine.EventForeignReturn, Record: rec, Provider: o.Provider, Site: h.siteOf(r).id, Err: why, Alert: true}
	if rec != nil {
		e.ID = rec.ID
	}
	h.app.Observe(e)
	return func(w http.ResponseWriter, r *http.Request) error {
		return h.write(w, r, pages.Page{Kind: pages.Malformed, ShopURL: h.home(r)}, why)
	}
}
