package handlers

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/internal/track"
	"github.com/rahgir/caddy-payments/payment"
)

// idle is an app that nothing is asked of.
type idle struct{}

func (idle) Engine(context.Context) (*engine.Engine, error)                 { return nil, ErrNotOpen }
func (idle) Provider(string) (ProviderInfo, bool)                           { return ProviderInfo{}, false }
func (idle) ProviderNames() []string                                        { return nil }
func (idle) Affiliate(string) (string, payment.Reporter, error)             { return "", nil, nil }
func (idle) Keys(context.Context) (*token.Keys, error)                      { return nil, ErrNotOpen }
func (idle) Trusting(_ context.Context, k *token.Keys) (*token.Keys, error) { return k, nil }
func (idle) HasKeys() bool                                                  { return false }
func (idle) Origin() string                                                 { return "" }
func (idle) Join(*Handler) error                                            { return nil }
func (idle) Enter()                                                         {}
func (idle) Leave()                                                         {}
func (idle) Observe(engine.Event)                                           {}

var _ App = idle{}

// busySite has a route of every kind.
func busySite(announce string) *Handler {
	h := &Handler{app: idle{}, Announce: announce}
	h.Verify = []*Verify{{Match: Match{Paths: []string{"/callback"}}}, {Match: Match{Paths: []string{"/back/*"}}}}
	h.Checkout = []*Checkout{{Path: "/buy", Items: []Item{{SKU: "mug"}}}}
	h.Require = []*Require{{Match: Match{Paths: []string{"/download/*"}}}}
	h.Track = []*Track{{Match: Match{Paths: []string{"/product/*"}}, conf: trackRoute{param: "track_id"}}}
	for _, v := range h.Verify {
		v.filter = newPathFilter(v.Paths)
	}
	h.Require[0].filter = newPathFilter(h.Require[0].Paths)
	h.Require[0].guarded = newResource(h.Require[0].filter, h.Require[0].Paths, nil)
	h.Track[0].filter = newPathFilter(h.Track[0].Paths)
	return h
}

// comparing is a gateway of whose returns the site is told by a relay.
func comparing(name string) *Observe {
	o := &Observe{Provider: name}
	known := []string{"Authority", "Status", "order_id", "ref_id"}
	o.conf.guarded = params.NewNames(known...)
	o.conf.provider = &provider{
		ProviderInfo: ProviderInfo{Provider: paper{}, Name: name}, terms: payment.Terms{Protocol: payment.Protocol{Params: known}},
	}
	return o
}

// A request that concerns no payment costs one allocation for the wrapper that
// reads announcements and looks at the gates again, and none without both. (The
// budget is two and none.)
func TestOrdinaryRequestsCostOneAllocation(t *testing.T) {
	for _, c := range []struct {
		announce string
		gates    bool
		relays   int // gateways of which returns are compared
		most     float64
	}{{"", true, 0, 1}, {"", false, 0, 1}, {"off", true, 0, 1}, {"off", false, 0, 0}, {"", true, 1, 1}, {"off", false, 1, 0}, {"off", false, 9, 0}} {
		announce, most := c.announce, c.most
		h := busySite(announce)
		for i := range c.relays {
			h.compare(comparing(fmt.Sprint("bank", i)))
		}
		if !c.gates {
			h.Require = nil
		}
		next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(http.StatusOK)
			return nil
		})
		cost := func(serve func(http.ResponseWriter, *http.Request) error) float64 {
			w := httptest.NewRecorder()
			return testing.AllocsPerRun(500, func() {
				r := httptest.NewRequest(http.MethodGet, "/product/mug?colour=blue", nil)
				r.Header.Set("Accept", "text/html")
				r.Header.Set("Cookie", "session=a1b2c3; basket=mug,2; lang=fa")
				r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil)
				if err := serve(w, r); err != nil {
					t.Fatal(err)
				}
			})
		}
		without := cost(next.ServeHTTP)
		with := cost(func(w http.ResponseWriter, r *http.Request) error { return h.ServeHTTP(w, r, next) })
		if with-without > most {
			t.Errorf("announce %q, gates %v, %d relays: %.0f allocations, want at most %.0f", announce, c.gates, c.relays, with-without, most)
		}
	}
}

func BenchmarkOrdinaryRequest(b *testing.B) {
	for _, kind := range []string{"announce=on", "announce=off", "relay"} {
		b.Run(kind, func(b *testing.B) {
			announce := strings.TrimPrefix(kind, "announce=")
			h := busySite(announce)
			switch kind {
			case "announce=off":
				h.Require = nil // gates look at each answer, too
			case "relay":
				h.compare(comparing("bank"))
			}
			next := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil })
			w := httptest.NewRecorder()
			var fresh []*http.Request // a guard acts once on each
			b.ReportAllocs()
			for b.Loop() {
				if len(fresh) == 0 {
					b.StopTimer()
					for range 1000 {
						r := httptest.NewRequest(http.MethodGet, "/product/mug?colour=blue", nil)
						r.Header.Set("Accept", "text/html")
						r.Header.Set("User-Agent", "Mozilla/5.0")
						fresh = append(fresh, caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil))
					}
					b.StartTimer()
				}
				last := len(fresh) - 1
				if err := h.ServeHTTP(w, fresh[last], next); err != nil {
					b.Fatal(err)
				}
				fresh = fresh[:last]
			}
		})
	}
}

// keyed is an idle app with keys and an engine.
type keyed struct {
	idle
	keys *token.Keys
}

func (k keyed) Engine(context.Context) (*engine.Engine, error) { return new(engine.Engine), nil }
func (k keyed) Keys(context.Context) (*token.Keys, error)      { return k.keys, nil }

func BenchmarkTrackedPage(b *testing.B) {
	secret, err := payment.NewSigningKey([]byte("0123456789abcdef0123456789abcdef"), "")
	if err != nil {
		b.Fatal(err)
	}
	keys, err := token.NewKeys(secret)
	if err != nil {
		b.Fatal(err)
	}
	h := busySite("on")
	h.app = keyed{keys: keys}
	if h.Track[0].conf.pattern, err = track.ParsePattern(""); err != nil {
		b.Fatal(err)
	}
	h.Track[0].conf.ttl = defaultTTL
	next := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil })
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/product/mug?track_id=a1b2c3d4e5f60718", nil)
	r.Header.Set("Accept", "text/html")
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil)
	b.ReportAllocs()
	for b.Loop() {
		clear(w.Header())
		caddyhttp.SetVar(r.Context(), trackVar, nil) // each visit is a new one
		if err := h.route(w, r, next, true); err != nil {
			b.Fatal(err)
		}
	}
}
