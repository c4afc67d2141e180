package handlers

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/internal/quote"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/internal/track"
	"github.com/rahgir/caddy-payments/payment"
)

// Values of a track route's options.
const (
	keepCookie = "cookie"
	keepStore  = "store"

	defaultParam = "track_id"
	defaultTTL   = 30 * 24 * time.Hour
)

// Cookies of a track: the signed track itself, or the visitor's random name.
const (
	cookieTrack   = "track"
	cookieVisitor = "visitor"
)

// trackVar is the visit that this very request began.
const trackVar = "payments.track"

type trackRoute struct {
	param       string
	pattern     *track.Pattern
	affiliate   string
	attribution track.Attribution
	ttl         time.Duration
}

func (t *Track) provision(ctx caddy.Context, h *Handler) error {
	if slices.Equal(t.Paths, []string{"*"}) {
		t.Paths = nil
	}
	if err := t.Match.provision(ctx); err != nil {
		return err
	}
	name, network, err := h.app.Affiliate(t.Affiliate)
	if err != nil {
		return err
	}
	// What the track line does not say the network knows of its links.
	var known payment.Landing
	if l, ok := network.(payment.Lander); ok {
		known = l.Landing()
	}
	c := trackRoute{param: cmp.Or(t.Param, known.Param, defaultParam), affiliate: name, ttl: cmp.Or(max(time.Duration(t.TTL), 0), known.TTL, defaultTTL)}
	if err := notTheirs(h.app, c.param); err != nil {
		return err
	}
	if t.Keep != "" && t.Keep != keepCookie && t.Keep != keepStore {
		return fmt.Errorf("keep must be cookie or store%s", quote.Not(t.Keep, "cookie", "store"))
	}
	if c.attribution, err = track.ParseAttribution(t.Attribution); err != nil {
		return err
	}
	if c.pattern, err = track.ParsePattern(cmp.Or(t.Pattern, known.Pattern, track.DefaultPattern)); err != nil {
		return fmt.Errorf("pattern: %w", err)
	}
	t.conf = c
	return nil
}

// notTheirs refuses a parameter that a provider's returns have, or that is ours: an
// order would be taken for an affiliate's id, and a link would look like a return.
// The network's own name may be one of IDPay's, whose returns are known by the
// other names in them.
func notTheirs(app App, param string) error {
	if strings.HasPrefix(strings.ToLower(param), "payment_") {
		return fmt.Errorf("param %s: names that begin with payment_ are our own; write the name that the network's links carry, such as %s", param, defaultParam)
	}
	if param == defaultParam {
		return nil
	}
	for _, name := range app.ProviderNames() {
		p, ok := app.Provider(name)
		if !ok {
			continue
		}
		for _, theirs := range p.Terms().Params {
			if params.CarriesAll(param+"=x", []string{theirs}) {
				return fmt.Errorf("param %s: returns of %s carry a parameter of that name, so what the bank says would be taken for an affiliate's id; write the name that the network's links carry, such as %s", param, name, defaultParam)
			}
		}
	}
	return nil
}

// takeForms takes the network's form of a link, /page/track_id=<id>, off the
// path: for us, for what follows, and for PHP, which reads the address as it came.
// It happens before anything looks at the path, on every method, so that no form
// makes another path of one that a route takes. It returns what it took, by parameter.
func (h *Handler) takeForms(r *http.Request) (taken map[string][]string) {
	for _, t := range h.Track {
		if values := track.Take(r.URL, t.conf.param); values != nil {
			if taken == nil {
				taken = make(map[string][]string)
			}
			taken[t.conf.param] = values
		}
	}
	if taken == nil {
		return nil
	}
	r.RequestURI = r.URL.RequestURI()
	*r = *r.WithContext(changeOriginal(r.Context(), func(original *http.Request) {
		for _, t := range h.Track {
			track.Take(original.URL, t.conf.param)
		}
	}))
	return taken
}

// capture keeps the visit that a page's link carries, and returns what the page
// says to caches from now on: it sets a cookie.
//
// Its invariant: a gateway's return is never a visit, on any route, whether or
// not the gateway is known here, and no page to which gateways send customers back is landed on.
func (h *Handler) capture(w http.ResponseWriter, r *http.Request, forms map[string][]string, needsMatcher bool) (caching string, err error) {
	if len(h.Track) == 0 || len(forms) == 0 && r.URL.RawQuery == "" || !track.TopLevelGET(r) {
		return "", nil
	}
	for _, t := range h.Track {
		c := &t.conf
		taken := forms[c.param]
		if taken == nil && !track.MightCarry(r.URL.RawQuery, c.param) {
			continue
		}
		if !t.any() {
			if ok, err := t.matches(r, needsMatcher); err != nil || !ok {
				if err != nil {
					return "", err
				}
				continue
			}
		}
		if h.fromProvider(whole(r.URL.RawQuery, forms)) {
			return "", nil
		}
		if bank, err := h.forReturns(r, needsMatcher); err != nil || bank {
			return "", err
		}
		id, ok := track.Find(r.URL.RawQuery, taken, c.param, c.pattern)
		if !ok {
			if _, n, _ := params.Value(r.URL.RawQuery, c.param); n == 0 && taken == nil {
				continue // another parameter's name or value holds this one's
			}
			h.app.Observe(engine.Event{Name: engine.EventIgnored})
			h.log.Info("a track id was ignored: it does not fit the pattern, or two differ", zap.String("path", r.URL.Path))
			continue
		}
		now := time.Now()
		visit := payment.Track{ID: id, Affiliate: c.affiliate, Landing: r.URL.Path, At: now.UTC().Truncate(time.Second)}
		kept, err := h.keepTrack(w, r, t, visit, now)
		if err != nil {
			// An attribution is never worth a page that does not load.
			// That the store has no room it says itself, once; visitors must not
			// fill the log with it.
			level := zap.ErrorLevel
			if errors.Is(err, payment.ErrFull) {
				level = zap.DebugLevel
			}
			h.log.Log(level, "a track was not kept", zap.Error(err))
		}
		if kept {
			return forBrowser, nil
		}
	}
	return "", nil
}

// fromProvider reports whether a query is a gateway's: one of ours by what its
// returns are known by, any other by what they all have.
func (h *Handler) fromProvider(rawQuery string) bool {
	for _, p := range h.ours {
		if params.CarriesAll(rawQuery, p.terms.Marks) {
			return true
		}
	}
	return track.FromGateway(rawQuery)
}

// forReturns reports whether a request's path, in any spelling, is one of a verify or an observe
// route.
func (h *Handler) forReturns(r *http.Request, needsMatcher bool) (bool, error) {
	of := func(m *Match) (bool, error) {
		if len(m.matchers) > 0 {
			return m.matchers.AnyMatchWithError(r)
		}
		return m.relates(r, needsMatcher) >= within, nil
	}
	for _, v := range h.Verify {
		if ok, err := of(&v.Match); err != nil || ok {
			return ok, err
		}
	}
	for _, o := range h.Observe {
		if ok, err := of(&o.Match); err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}

// keepTrack keeps a visit and reports whether the page now sets a cookie.
func (h *Handler) keepTrack(w http.ResponseWriter, r *http.Request, t *Track, visit payment.Track, now time.Time) (bool, error) {
	keys, err := h.allKeys(r.Context())
	if keys == nil {
		return false, err
	}
	var old *payment.Track
	if t.conf.attribution == track.First { // else the newest counts, whatever was before
		old = h.currentTrack(r, keys)
	}
	kept, anew := t.conf.attribution.Merge(old, visit)
	caddyhttp.SetVar(r.Context(), trackVar, &kept)
	if !anew {
		return false, nil
	}
	view := h.view(r)
	if t.Keep != keepStore {
		keys.SetTrack(w, cookieTrack, kept, h.siteOf(r).id, t.conf.ttl, now, view)
		return true, nil
	}
	eng, err := h.app.Engine(r.Context())
	if err != nil {
		return false, err
	}
	if !eng.MayVisit(client(r)) {
		return false, nil // what anybody can have kept is bounded by client
	}
	visitor := token.ReadCookie(r, cookieVisitor, view)
	if !token.IsNonce(visitor) {
		visitor = token.NewNonce()
	}
	err = eng.Store.PutTrack(r.Context(), token.Hash(visitor), kept, now.Add(t.conf.ttl))
	if err != nil {
		return false, err
	}
	token.SetCookie(w, cookieVisitor, visitor, t.conf.ttl, view)
	return true, nil
}

// currentTrack returns the visit that counts for this browser; nil without one.
func (h *Handler) currentTrack(r *http.Request, keys *token.Keys) *payment.Track {
	if h = h.tracker(r); h == nil {
		return nil
	}
	if t, ok := caddyhttp.GetVar(r.Context(), trackVar).(*payment.Track); ok {
		return t
	}
	view := h.view(r)
	if text := token.ReadCookie(r, cookieTrack, view); text != "" {
		if t, err := keys.OpenTrack(text, h.siteOf(r).names, time.Now()); err == nil {
			return &t
		}
	}
	visitor := token.ReadCookie(r, cookieVisitor, view)
	if visitor == "" {
		return nil
	}
	eng, err := h.app.Engine(r.Context())
	if err != nil {
		return nil
	}
	t, err := eng.Store.Track(r.Context(), token.Hash(visitor))
	if err != nil {
		if !errors.Is(err, payment.ErrNotFound) {
			h.app.Observe(engine.Event{Name: engine.EventStore, Err: err})
		}
		return nil
	}
	return &t
}
