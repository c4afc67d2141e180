package relay

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// dialect is a provider with a create and a verify, whose key is `key`.
type dialect struct{ gate }

func (*dialect) Dialect() payment.Dialect {
	return payment.Dialect{Headers: []string{"X-Key"}, Routes: []payment.RelayRoute{
		{Method: http.MethodPost, Path: "/create", Kind: payment.RelayCreate},
		{Method: http.MethodPost, Path: "/verify", Kind: payment.RelayVerify},
	}}
}
func (*dialect) Protocol() payment.Protocol { return payment.Protocol{Name: "gate"} }
func (*dialect) Owns(c payment.RelayCall) (payment.RelayOwner, error) {
	var in struct{ Key string }
	switch {
	case json.Unmarshal(c.Body, &in) != nil || in.Key == "":
		return payment.RelayStranger, payment.ErrMalformed
	case in.Key == "sandbox":
		return payment.RelayOtherEnvironment, nil
	case in.Key != "key":
		return payment.RelayStranger, nil
	}
	return payment.RelayOwn, nil
}
func (*dialect) ReadCall(kind payment.RelayKind, c payment.RelayCall) (payment.RelayAsk, error) {
	var in struct{ Callback, ID string }
	if err := json.Unmarshal(c.Body, &in); err != nil || kind == payment.RelayVerify && in.ID == "" {
		return payment.RelayAsk{}, payment.ErrMalformed
	}
	return payment.RelayAsk{Kind: kind, ID: in.ID, Callback: in.Callback}, nil
}

// Bad input reaches no provider, and an event names each. What is only odd, a create's
// callback, goes on, and an event names it, too.
func TestBadInputIsNamed(t *testing.T) {
	t.Parallel()
	eng, err := engine.New(t.Context(), engine.Config{Store: memory.New(nil)})
	if err != nil {
		t.Fatal(err)
	}
	padded := func(n int) io.Reader { return strings.NewReader(`{"key":"other"}` + strings.Repeat(" ", n-15)) }
	body := func(s string) io.Reader { return strings.NewReader(s) }
	own := func(_ *http.Request, u *url.URL, _ string) (Site, bool) {
		return Site{ID: "shop.test"}, u != nil && u.Host == "shop.test"
	}
	for name, c := range map[string]struct {
		path   string
		body   io.Reader
		peer   string
		twice  bool
		status int
		event  string
	}{
		"a foreign peer":                {path: "/gate/verify", body: body(`{"key":"key","id":"1"}`), peer: "203.0.113.5:1", status: 503, event: engine.EventRelayStranger},
		"wrong credentials":             {path: "/gate/verify", body: body(`{"key":"other","id":"1"}`), status: 503, event: engine.EventRelayStranger},
		"of the sandbox":                {path: "/gate/verify", body: body(`{"key":"sandbox","id":"1"}`), status: 503, event: engine.EventRelayStranger},
		"no credentials":                {path: "/gate/verify", body: body(`{"id":"1"}`), status: 400, event: engine.EventRelayCall},
		"half a body":                   {path: "/gate/verify", body: body(`{"key":"ke`), status: 400, event: engine.EventRelayCall},
		"no body":                       {path: "/gate/verify", body: body(``), status: 400, event: engine.EventRelayCall},
		"without an id":                 {path: "/gate/verify", body: body(`{"key":"key"}`), status: 400, event: engine.EventRelayCall},
		"a header that came twice":      {path: "/gate/verify", body: body(`{"key":"key","id":"1"}`), twice: true, status: 400, event: engine.EventRelayCall},
		"a body that is cut off":        {path: "/gate/verify", body: iotest.ErrReader(errors.New("reset")), status: 400, event: engine.EventRelayCall},
		"64 KiB less one":               {path: "/gate/verify", body: padded(maxBody - 1), status: 503, event: engine.EventRelayStranger},
		"64 KiB":                        {path: "/gate/verify", body: padded(maxBody), status: 503, event: engine.EventRelayStranger},
		"64 KiB and one":                {path: "/gate/verify", body: padded(maxBody + 1), status: 413, event: engine.EventRelayCall},
		"far more":                      {path: "/gate/verify", body: padded(64 * maxBody), status: 413, event: engine.EventRelayCall},
		"another call":                  {path: "/gate/refund", body: body(`{"key":"key","id":"1"}`), status: 503, event: engine.EventRelayCall},
		"another provider":              {path: "/nobody/verify", body: body(`{"key":"key","id":"1"}`), status: 404, event: engine.EventRelayCall},
		"another provider, by a peer":   {path: "/nobody/verify", body: body(`{}`), peer: "203.0.113.5:1", status: 404},
		"a callback elsewhere":          {path: "/gate/create", body: body(`{"key":"key","callback":"https://elsewhere.test/back"}`), status: 503, event: engine.EventForeignCallback + " " + engine.EventRelayDown},
		"a callback that is no address": {path: "/gate/create", body: body(`{"key":"key","callback":"back.php"}`), status: 503, event: engine.EventForeignCallback + " " + engine.EventRelayDown},
		"no callback":                   {path: "/gate/create", body: body(`{"key":"key"}`), status: 503, event: engine.EventForeignCallback + " " + engine.EventRelayDown},
		"the site's own callback":       {path: "/gate/create", body: body(`{"key":"key","callback":"https://shop.test/back"}`), status: 503, event: engine.EventRelayDown},
	} {
		t.Run(name, func(t *testing.T) {
			g := new(dialect)
			app := &fakeApp{eng: eng, rel: g}
			if c.path == "/gate/create" {
				app.err = errors.New("not open") // what isn't refused ends there
			}
			s := &Server{App: app, Own: own}
			r := httptest.NewRequest(http.MethodPost, c.path, c.body)
			if r.RemoteAddr = c.peer; c.peer == "" {
				r.RemoteAddr = "127.0.0.1:1"
			}
			if c.twice {
				r.Header["X-Key"] = []string{"a", "b"}
			}
			w := httptest.NewRecorder()
			if err := s.Serve(w, r, c.path); err != nil {
				t.Fatal(err)
			}
			if unread := w.Code == http.StatusBadRequest || w.Code == http.StatusRequestEntityTooLarge; unread != (w.Body.String() == "unreadable") {
				t.Errorf("%d says %q", w.Code, w.Body)
			}
			if w.Code != c.status || g.calls != 0 {
				t.Errorf("%d %s, %d calls", w.Code, w.Body, g.calls)
			}
			var names []string
			for _, e := range app.events {
				if names = append(names, e.Name); e.Err == nil || strings.Contains(e.Err.Error(), `"key"`) {
					t.Errorf("%s says %v", e.Name, e.Err)
				}
			}
			if got := strings.Join(names, " "); got != c.event {
				t.Errorf("the events are %q, want %q", got, c.event)
			}
		})
	}
}

// Where the ledger isn't open, a verify ends without an answer, after which plugins ask again: an
// HTTP status, or the gateway's "later", has some give the order up for good.
func TestAVerifyWithoutALedger(t *testing.T) {
	t.Parallel()
	for unknown, status := range map[string]int{"": 0, "close": 0, "504": http.StatusGatewayTimeout} {
		app := &fakeApp{rel: new(dialect), err: errors.New("not open")}
		s := &Server{App: app, Options: Options{Unknown: unknown}}
		r := httptest.NewRequest(http.MethodPost, "/gate/verify", strings.NewReader(`{"key":"key","id":"K1"}`))
		r.RemoteAddr = "127.0.0.1:1"
		w := httptest.NewRecorder()
		func() {
			defer func() {
				err, _ := recover().(error)
				if broke := errors.Is(err, http.ErrAbortHandler); broke != (status == 0) {
					t.Errorf("unknown %q: the connection is closed: %t", unknown, broke)
				}
			}()
			if err := s.Serve(w, r, "/gate/verify"); err != nil {
				t.Error(err)
			}
		}()
		if status == 0 && w.Body.Len() > 0 || status != 0 && w.Code != status {
			t.Errorf("unknown %q: %d %s", unknown, w.Code, w.Body)
		}
		if len(app.events) != 1 || app.events[0].Name != engine.EventRelayDown || app.events[0].ID != "K1" {
			t.Errorf("unknown %q: %+v", unknown, app.events)
		}
	}
}
