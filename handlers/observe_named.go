package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/rahgir/caddy-payments/engine"
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
	form, err := wholeForm(r)
	if err != nil {
		return brought{}, err
	}
	named, err := o.named(r.URL.RawQuery, form)
	return brought{form, named}, err
}

// wholeForm is all that a request says besides its address and cookies, as a query.
func wholeForm(r *http.Request) ([]byte, error) {
	form, err := asQuery(r)
	if err != nil {
		return nil, err
	}
	return withInner(form, r.URL.RawQuery, string(form)), nil
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
		if rec, err := h.respelt(r, o, eng, r.URL.RawQuery, b); rec != nil {
			return o, b, nil
		} else if err != nil {
			return o, b, err
		}
	}
	return nil, brought{}, nil
}

// untold takes out of a request all cookies that bear a name of the provider's
// parameters, if some reader finds a relayed payment in the request or in them: a PHP
// without php.ini reads them in the place of what the gateway sent, its order included.
// Elsewhere they stay: a shop may call its session so.
func (h *Handler) untold(r *http.Request, o *Observe, b brought) {
	lines := r.Header["Cookie"]
	if len(lines) == 0 {
		return
	}
	cookies := strings.ReplaceAll(strings.Join(lines, ";"), ";", "&")
	if !o.conf.guarded.Carries(cookies) {
		return
	}
	eng, _ := h.app.Engine(r.Context())
	all := brought{form: b.form}
	var err error
	if all.named, err = o.named(r.URL.RawQuery+"&"+cookies, b.form); err == nil {
		if !slices.ContainsFunc(all.named, func(c payment.Claimed) bool {
			rec, err := h.relayedOf(r.Context(), eng, o, c.ID)
			return err == nil && held(rec)
		}) {
			rec, err := h.respelt(r, o, eng, r.URL.RawQuery+"&"+cookies, all)
			if !held(rec) && (rec != nil || err == nil) {
				return
			}
		}
	}
	r.Header["Cookie"] = o.conf.guarded.Cookies(lines)
}

// held: returns of a payment are held to the address of its create. Of one that a shop
// began beside us nothing is compared, and its customers' requests pass as they are.
func held(rec *payment.Record) bool {
	return rec != nil && (rec.Relay != nil || rec.Return.Address() != "")
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
		if ours != nil && ours.Ref != rec.Ref {
			return rec, errTwo
		}
		if why := h.otherAddress(r, o, rec, b); why != nil {
			return rec, why
		}
		ours = rec
	}
	if rec, why := h.respelt(r, o, eng, r.URL.RawQuery, b); why != nil {
		return rec, why
	}
	return ours, nil
}

var (
	errTwo   = errors.New("it names two payments")
	errOrder = errors.New("it names another order than its create")
)

// otherAddress tells why a return is not that of its payment's create.
func (h *Handler) otherAddress(r *http.Request, o *Observe, rec *payment.Record, b brought) error {
	own, callback, err := h.moved(r, o, rec)
	if err != nil || callback == nil {
		return err
	}
	return o.unequivocal(r, rec, own, callback, b)
}

// moved tells why the address of a return is not that of its payment's create; otherwise it
// returns the create's, nil if nobody saw it, and the parameters that are the shop's own.
func (h *Handler) moved(r *http.Request, o *Observe, rec *payment.Record) (own []string, callback *url.URL, err error) {
	if !h.siteOf(r).is(rec.Site) {
		return nil, nil, errors.New("it is the return of another site's payment")
	}
	address := rec.Return.Address()
	if rec.Relay != nil {
		address = rec.Relay.Callback
	}
	want, err := url.Parse(address)
	if address == "" || err != nil {
		return nil, nil, nil
	}
	came, err := url.ParseRequestURI(originalURI(r))
	if err != nil {
		return nil, nil, errors.New("the address can't be read")
	}
	if front := h.wayBack(r).front; rec.Relay != nil && front != "" {
		came.Path = front + came.Path // a create names the address that browsers see
	}
	own, err = o.differs(want, came)
	if err != nil && h.sites != nil {
		// A name that redirects here may do so to another path.
		if to := h.sites.sentOn(r.Context(), want, o.Provider); to != nil {
			want = to
			own, err = o.differs(want, came)
		}
	}
	if err != nil {
		return nil, nil, err
	}
	return own, want, nil
}

// differs tells what of a create's address has not come back in that of a return; otherwise
// it returns the parameters that are the shop's own.
func (o *Observe) differs(want, came *url.URL) (own []string, err error) {
	if strings.TrimSuffix(want.Path, "/") != strings.TrimSuffix(came.Path, "/") {
		return nil, errors.New("it came to another path than its payment was created with")
	}
	had, have := want.Query(), came.Query()
	for name, values := range had {
		got := have[name]
		theirs := slices.Contains(o.conf.provider.terms.Params, name)
		if theirs && len(got) > len(values) {
			got = got[:len(values)] // the provider's own came on top
		}
		if !slices.Equal(values, got) {
			return nil, fmt.Errorf("the shop's own parameter %s is not the one of the create", bounded(name))
		}
		if !theirs && len(values) == 1 && !strings.ContainsAny(name, "[*") {
			own = append(own, name)
		}
	}
	return own, nil
}

// unequivocal tells why a return could be read in another way than that it is about
// this payment and its order and has these parameters of the shop's own.
func (o *Observe) unequivocal(r *http.Request, rec *payment.Record, own []string, callback *url.URL, b brought) error {
	theirs := o.conf.provider.terms.Params
	guarded := params.NewNames(append(slices.Clone(theirs), own...)...).Lend(theirs...)
	if lines := r.Header["Cookie"]; len(lines) > 0 {
		r.Header["Cookie"] = params.NewNames(own...).Cookies(lines)
	}
	body, _ := peek(r, params.MaxBytes+1) // of a GET, too
	set, err := params.ParseKnown(r.URL.RawQuery, body, r.Header.Get("Content-Type"), guarded, callback.RawQuery)
	if err != nil {
		return err
	}
	claimed, err := o.conf.provider.ReadReturn(set.Get)
	if err != nil {
		return err
	}
	if claimed.ID != rec.ID {
		return errTwo
	}
	for _, name := range own {
		if foldsTo(theirs, name) {
			continue // PHP tells status from Status, and the gateway's may stand in the form
		}
		if values, _ := params.LenientValues("", b.form, name); slices.ContainsFunc(values, func(v string) bool { return v != callback.Query().Get(name) }) {
			return fmt.Errorf("the shop's own parameter %s has another value in the body", bounded(name))
		}
	}
	if claimed.Order != "" && claimed.Order != rec.Order && o.ordered(rec, callback) {
		return errOrder
	}
	return o.otherOrder(r, rec, callback, b)
}

// ordered: the order in a payment's return is that of its create.
func (o *Observe) ordered(rec *payment.Record, callback *url.URL) bool {
	return rec.Relay != nil && rec.CreatedOrder() != "" && !params.CarriesOne(callback.RawQuery, o.conf.provider.terms.Params)
}

// otherOrder tells that some reader finds another order in a return than that of its create.
func (o *Observe) otherOrder(r *http.Request, rec *payment.Record, callback *url.URL, b brought) error {
	if !o.ordered(rec, callback) {
		return nil
	}
	want := strings.TrimSpace(payment.ASCIIDigits(rec.Order))
	for _, name := range o.conf.orders {
		values, _ := params.LenientValues(r.URL.RawQuery, b.form, name)
		if slices.ContainsFunc(values, func(v string) bool { return !strings.EqualFold(strings.TrimSpace(payment.ASCIIDigits(v)), want) }) {
			return errOrder
		}
	}
	return nil
}

// foldsTo: a name is one of some, whatever its case.
func foldsTo(all []string, name string) bool {
	return slices.ContainsFunc(all, func(n string) bool { return strings.EqualFold(n, name) })
}

// orderParams are the parameters in which a provider's return carries the shop's order:
// those in which it would carry a made-up one. Not every ReadReturn reads them.
func orderParams(p payment.Provider) (names []string) {
	const order = "an-order-of-nobody"
	made := p.ReturnParams(&payment.Record{Order: order, Receipt: &payment.Receipt{Order: order}})
	inner := make(url.Values)
	for name, value := range made {
		inner.Add(name, value)
		fields([]byte(value), inner) // PayPing's is in JSON
	}
	for name, values := range inner {
		if slices.Contains(values, order) {
			names = append(names, name)
		}
	}
	return names
}
