package relay

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/engine/forwarded"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// fakeApp has an engine, or the reason why there is none.
type fakeApp struct {
	eng    *engine.Engine
	err    error
	log    *forwarded.Log
	rel    payment.Relayer
	events []engine.Event
	// opened is how often the engine was wanted.
	opened int
}

func (a *fakeApp) Engine(context.Context) (*engine.Engine, error) {
	a.opened++
	return a.eng, a.err
}
func (a *fakeApp) Relayer(name string) (payment.Relayer, bool) {
	return a.rel, a.rel != nil && name != "nobody"
}
func (a *fakeApp) ProviderNames() []string { return []string{"gate"} }
func (a *fakeApp) Callback(context.Context, *url.URL, string) (Site, bool) {
	return Site{}, false
}
func (a *fakeApp) Serves([]string)                        {}
func (a *fakeApp) Forwards()                              {}
func (a *fakeApp) Relays(string) bool                     { return true }
func (a *fakeApp) Created(string, string, *url.URL, bool) {}
func (a *fakeApp) Forwarded() *forwarded.Log              { return a.log }
func (a *fakeApp) Observe(e engine.Event)                 { a.events = append(a.events, e) }
func (a *fakeApp) Enter()                                 {}
func (a *fakeApp) Leave()                                 {}

// gate is a provider of which only forwarding matters.
type gate struct {
	payment.Relayer
	calls int
}

func (g *gate) ForwardCall(context.Context, payment.RelayCall) payment.RelayReply {
	g.calls++
	return payment.RelayReply{Status: 200, Body: []byte("said")}
}
func (*gate) ReadCreated(payment.RelayReply) (string, bool) { return "K1", true }
func (*gate) WriteReply(w payment.RelayWord, _ payment.RelayAsk, _ *payment.Record) payment.RelayReply {
	if w == payment.RelayUnreadable {
		return payment.RelayReply{Status: 503, Body: []byte("unreadable")}
	}
	return payment.RelayReply{Status: 503, Body: []byte("later")}
}

// A question without an answer ends as `unknown` says: the connection is closed, or 504.
func TestUnknown(t *testing.T) {
	eng, err := engine.New(t.Context(), engine.Config{Store: memory.New(nil)})
	if err != nil {
		t.Fatal(err)
	}
	for unknown, want := range map[string]int{"": 0, "close": 0, "504": http.StatusGatewayTimeout} {
		s := &Server{App: &fakeApp{eng: eng, rel: new(gate)}, Options: Options{Unknown: unknown}}
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = s.carry(w, r, engine.Relay{}, func(_ *engine.Engine, c engine.Relay) { c.Break() })
		}))
		res, err := http.Post(srv.URL, "", nil)
		switch {
		case want == 0 && err == nil:
			t.Errorf("unknown %q: %d", unknown, res.StatusCode)
		case want != 0 && (err != nil || res.StatusCode != want):
			t.Errorf("unknown %q: %v", unknown, err)
		}
		if err == nil {
			res.Body.Close()
		}
		srv.Close()
	}
}

// Without a ledger a call is refused, or passes and is marked; the owner hears of it, but
// not with each call.
func TestWhenDown(t *testing.T) {
	for when, want := range map[string]struct {
		status, calls, events int
		marked                bool
	}{"": {503, 0, 3, false}, "refuse": {503, 0, 3, false}, "forward": {200, 3, 1, true}} {
		g := new(gate)
		app := &fakeApp{err: errors.New("not open"), rel: g, log: forwarded.At(filepath.Join(t.TempDir(), "calls.jsonl"))}
		s := &Server{App: app, Options: Options{WhenDown: when}}
		for range 3 {
			w := httptest.NewRecorder()
			c := engine.Relay{Provider: "gate", Ask: payment.RelayAsk{Kind: payment.RelayCreate, Order: "101"}}
			if err := s.carry(w, httptest.NewRequest(http.MethodPost, "/", nil), c, nil); err != nil || w.Code != want.status {
				t.Errorf("when_down %q: %d, %v", when, w.Code, err)
			}
		}
		if g.calls != want.calls || len(app.events) != want.events || app.log.Any() != want.marked {
			t.Errorf("when_down %q: %d calls, %d events, marked %v", when, g.calls, len(app.events), app.log.Any())
		}
		for _, e := range app.events {
			if e.Name != engine.EventRelayDown || !e.Alert || e.Err == nil {
				t.Errorf("%+v", e)
			}
		}
	}
}

// Who may call: this machine and the site's own upstreams, or those of `allow` alone.
func TestAdmit(t *testing.T) {
	for _, c := range []struct {
		peer, local string
		allow       []string
		header      [2]string
		want        bool
	}{
		{"127.0.0.1:4000", "127.0.0.1:80", nil, [2]string{}, true},
		{"[::1]:4000", "[::1]:80", nil, [2]string{}, true},
		{"203.0.113.9:4000", "203.0.113.9:443", nil, [2]string{}, true}, // this machine, by its public address
		{"203.0.113.8:4000", "203.0.113.9:443", nil, [2]string{}, false},
		{"10.0.0.5:4000", "203.0.113.9:443", nil, [2]string{}, true}, // an upstream
		{"10.0.0.6:4000", "203.0.113.9:443", nil, [2]string{}, false},
		{"127.0.0.1:4000", "127.0.0.1:80", []string{"10.0.0.0/8"}, [2]string{}, false},
		{"10.255.255.255:1", "127.0.0.1:80", []string{"10.0.0.0/8"}, [2]string{}, true},
		{"11.0.0.0:1", "127.0.0.1:80", []string{"10.0.0.0/8"}, [2]string{}, false},
		{"[::ffff:10.1.2.3]:1", "127.0.0.1:80", []string{"10.0.0.0/8"}, [2]string{}, true},
		{"@", "", nil, [2]string{}, true},
		{"@", "", []string{"10.0.0.1"}, [2]string{}, false},
		{"@", "", []string{"10.0.0.1", "unix"}, [2]string{}, true},
		{"127.0.0.1:4000", "127.0.0.1:80", nil, [2]string{"Origin", "https://shop.test"}, false},
		{"127.0.0.1:4000", "127.0.0.1:80", nil, [2]string{"User-Agent", payment.Agent}, false},
	} {
		s := &Server{App: &fakeApp{rel: new(gate)}, Options: Options{Allow: c.allow, Providers: []string{"gate"}}, Upstreams: func() []string { return []string{"10.0.0.5"} }}
		if err := s.Provision(); err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.RemoteAddr = c.peer
		if c.local != "" {
			local, err := net.ResolveTCPAddr("tcp", c.local)
			if err != nil {
				t.Fatal(err)
			}
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(local)))
		}
		if c.header[0] != "" {
			r.Header.Set(c.header[0], c.header[1])
		}
		if err := s.admit(r); (err == nil) != c.want {
			t.Errorf("%s to %s, allow %v, %v: %v", c.peer, c.local, c.allow, c.header, err)
		}
	}
	for _, bad := range []Options{{Allow: []string{"shop.test"}}, {WhenDown: "ignore"}, {Unknown: "500"}, {Providers: []string{"nobody"}}} {
		app := &fakeApp{rel: new(gate)}
		if len(bad.Providers) > 0 {
			app.rel = nil
		}
		if err := (&Server{App: app, Options: bad}).Provision(); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
