package relay

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// paged is a provider with a pay page, whose credential is in a body.
type paged struct {
	dialect
	got payment.RelayCall
}

func (p *paged) Dialect() payment.Dialect {
	d := p.dialect.Dialect()
	d.Routes = append(d.Routes, payment.RelayRoute{Method: http.MethodGet, Path: "/pay/*", Kind: payment.RelayPayPage})
	return d
}

func (p *paged) ReadCall(kind payment.RelayKind, c payment.RelayCall) (payment.RelayAsk, error) {
	if kind != payment.RelayPayPage {
		return p.dialect.ReadCall(kind, c)
	}
	id := strings.TrimPrefix(c.Path, "/pay/")
	if id != "K1" {
		return payment.RelayAsk{}, payment.ErrMalformed
	}
	return payment.RelayAsk{Kind: kind, ID: id}, nil
}

func (*paged) PageOf(id string) string { return "https://bank.test/pay/" + id }
func (*paged) Traits() payment.Traits  { return payment.Traits{Issuer: "gate|1|live"} }
func (p *paged) ForwardCall(ctx context.Context, c payment.RelayCall) payment.RelayReply {
	p.got = c
	return p.dialect.ForwardCall(ctx, c)
}

// calling is a relay of that provider, with a ledger.
func calling(t *testing.T, place bool) (*Server, *paged, *fakeApp, *memory.Store) {
	t.Helper()
	store, g := memory.New(nil), new(paged)
	eng, err := engine.New(t.Context(), engine.Config{Store: store, Providers: map[string]engine.Provider{"gate": {Provider: g, Timeout: time.Second}}})
	if err != nil {
		t.Fatal(err)
	}
	app := &fakeApp{eng: eng, rel: g}
	return &Server{App: app, Options: Options{Providers: []string{"gate"}}, Place: place}, g, app, store
}

// A pay page asked of a relay is a redirect to the provider's, whoever asks: customers
// come from anywhere. A call that names no payment, or has another method, gets no redirect.
func TestAPayPageIsTheProviders(t *testing.T) {
	t.Parallel()
	for _, place := range []bool{false, true} {
		s, g, app, _ := calling(t, place)
		prefix := map[bool]string{false: "/gate", true: ""}[place]
		for _, c := range []struct {
			method, path, peer string
			status             int
			to                 string
		}{
			{http.MethodGet, "/pay/K1", "203.0.113.5:1", http.StatusFound, "https://bank.test/pay/K1"},
			{http.MethodGet, "/pay/K1/", "203.0.113.5:1", http.StatusNotFound, ""},
			{http.MethodGet, "/pay/K1", "127.0.0.1:1", http.StatusFound, "https://bank.test/pay/K1"},
			{http.MethodGet, "/pay/K2", "203.0.113.5:1", http.StatusNotFound, ""},
			{http.MethodPost, "/pay/K1", "127.0.0.1:1", http.StatusServiceUnavailable, ""},
			{http.MethodGet, "/pay", "127.0.0.1:1", http.StatusServiceUnavailable, ""},
		} {
			app.events = nil
			r := httptest.NewRequest(c.method, c.path, nil)
			r.RemoteAddr = c.peer
			w := httptest.NewRecorder()
			if err := s.Serve(w, r, prefix+c.path); err != nil {
				t.Fatal(err)
			}
			if w.Code != c.status || w.Header().Get("Location") != c.to || g.calls != 0 {
				t.Errorf("in its place %v, %s %s by %s: %d to %q, %d calls", place, c.method, c.path, c.peer, w.Code, w.Header().Get("Location"), g.calls)
			}
			if c.to != "" && len(app.events) != 0 {
				t.Errorf("a customer who comes to pay is an event: %v", app.events)
			}
		}
	}
}

// A call with a stranger's key is refused under our own address. In the provider's place
// it is a neighbour's: its call goes on as it came, an event names it, and nothing is
// recorded. Our own account is recorded in either, under the name that its callback has.
func TestStrangersInAProvidersPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		place          bool
		key            string
		status, called int
		recorded       bool
		event          string
	}{
		{false, "key", 200, 1, true, engine.EventForeignCallback},
		{false, "other", 503, 0, false, engine.EventRelayStranger},
		{true, "key", 200, 1, true, engine.EventForeignCallback},
		{true, "other", 200, 1, false, engine.EventRelayStranger},
		{true, "sandbox", 503, 0, false, engine.EventRelayStranger},
	} {
		s, g, app, store := calling(t, c.place)
		body := `{"key":"` + c.key + `" , "callback":"https://neighbour.test/back"}`
		r := httptest.NewRequest(http.MethodPost, "/create?x=%41", strings.NewReader(body))
		r.RemoteAddr = "127.0.0.1:1"
		w := httptest.NewRecorder()
		if err := s.Serve(w, r, map[bool]string{false: "/gate", true: ""}[c.place]+"/create"); err != nil {
			t.Fatal(err)
		}
		if w.Code != c.status || g.calls != c.called {
			t.Errorf("%+v: %d %s, %d calls", c, w.Code, w.Body, g.calls)
		}
		if c.called > 0 && (string(g.got.Body) != body || g.got.Query != "x=%41" || g.got.Path != "/create" || w.Body.String() != "said") {
			t.Errorf("%+v: it didn't go as it came: %+v, %s", c, g.got, w.Body)
		}
		page, err := store.List(t.Context(), payment.Listing{})
		if err != nil || (len(page.Records) == 1) != c.recorded {
			t.Errorf("%+v: %d records, %v", c, len(page.Records), err)
		}
		if c.recorded && (page.Records[0].Site != "neighbour.test" || page.Records[0].Return != nil) {
			t.Errorf("%+v: a create of no site here is %q's", c, page.Records[0].Site)
		}
		if len(app.events) != 1 || app.events[0].Name != c.event {
			t.Errorf("%+v: %+v", c, app.events)
		}
	}
}

// Of a caller's headers only those of the dialect go on.
func TestOnlyTheDialectsHeadersGoOn(t *testing.T) {
	t.Parallel()
	s, g, _, _ := calling(t, false)
	r := httptest.NewRequest(http.MethodPost, "/create", strings.NewReader(`{"key":"key"}`))
	r.RemoteAddr = "127.0.0.1:1"
	for name, value := range map[string]string{"X-Key": "a", "Cookie": "session=1", "Authorization": "Bearer x", "X-Other": "b", "Accept-Encoding": "gzip", "User-Agent": "WordPress/6"} {
		r.Header.Set(name, value)
	}
	if err := s.Serve(httptest.NewRecorder(), r, "/gate/create"); err != nil {
		t.Fatal(err)
	}
	if len(g.got.Header) != 1 || g.got.Header["X-Key"] != "a" {
		t.Errorf("the provider gets %v", g.got.Header)
	}
}
