package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
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
	c := trackRoute{param: t.Param, ttl: time.Duration(t.TTL)}
	if c.param == "" {
		c.param = defaultParam
	}
	if c.ttl <= 0 {
		c.ttl = defaultTTL
	}
	if t.Keep != "" && t.Keep != keepCookie && t.Keep != keepStore {
		return fmt.Errorf("keep %q: must be cookie or store", t.Keep)
	}
	var err error
	if c.affiliate, _, err = h.app.Affiliate(t.Affiliate); err != nil {
		return err
	}
	if c.attribution, err = track.ParseAttribution(t.Attribution); err != nil {
		return err
	}
	pattern := t.Pattern
	if pattern == "" {
		pattern = track.DefaultPattern
	}
	if c.pattern, err = track.ParsePattern(pattern); err != nil {
		return fmt.Errorf("pattern: %w", err)
	}
	t.conf = c
	return nil
}

// serveTrack captures a visit and lets the request go on. It is handled only
// where the route's own work made the request another one.
func (h *Handler) serveTrack(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, t *Track) (bool, error) {
	c := &t.conf
	if !track.MightCarry(r, c.param) || !track.TopLevelGET(r) {
		return false, nil
	}
	if !t.any() {
		if ok, err := t.matchesPage(r); err != nil || !ok {
			return err != nil, err
		}
	}
	id, rest, viaPath, ok := track.Find(r.URL, c.param, c.pattern)
	if !ok {
		h.app.Observe(engine.Event{Name: engine.EventIgnored})
		h.log.Info("a track id was ignored: it does not fit the pattern or stands there twice", zap.String("path", r.URL.Path))
		return false, nil
	}
	if viaPath {
		track.Strip(r.URL, c.param)
		r.RequestURI = r.URL.RequestURI()
	}
	now := time.Now()
	visit := payment.Track{ID: id, Affiliate: c.affiliate, Landing: rest, At: now.UTC().Truncate(time.Second)}
	kept, err := h.keepTrack(w, r, t, visit, now)
	if err != nil {
		// An attribution is never worth a page that does not load. That the store has
		// no room it says itself, once; visitors must not fill the log with it.
		level := zap.ErrorLevel
		if errors.Is(err, payment.ErrFull) {
			level = zap.DebugLevel
		}
		h.log.Log(level, "a track was not kept", zap.Error(err))
	}
	if !kept {
		return false, nil
	}
	return true, h.watch(w, r, next, "private")
}

// matchesPage compares the page that the visit is for: in the network's own
// form the id is a segment of the path, behind it.
func (t *Track) matchesPage(r *http.Request) (bool, error) {
	ok, err := t.matches(r, odd(r.URL.Path))
	if ok || err != nil || len(t.matchers) > 0 {
		return ok, err
	}
	_, rest, viaPath, found := track.Find(r.URL, t.conf.param, t.conf.pattern)
	if !found || !viaPath {
		return false, nil
	}
	saved := r.URL.Path
	r.URL.Path = rest
	ok, err = t.matches(r, odd(rest))
	r.URL.Path = saved
	return ok, err
}

// keepTrack keeps a visit and reports whether the page now sets a cookie.
func (h *Handler) keepTrack(w http.ResponseWriter, r *http.Request, t *Track, visit payment.Track, now time.Time) (bool, error) {
	keys, err := h.allKeys(r.Context())
	if err != nil {
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

// currentTrack is the visit that counts for this browser; nil without one.
func (h *Handler) currentTrack(r *http.Request, keys *token.Keys) *payment.Track {
	if len(h.Track) == 0 {
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
