package relay

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// owned is a provider that says whose every call is.
type owned struct {
	dialect
	who payment.RelayOwner
}

func (o *owned) Owns(payment.RelayCall) (payment.RelayOwner, error) { return o.who, nil }

// The engine hears of a call that we refuse because we don't know what or whose it is; not of a
// stranger's, nor of one that is understood and wrong.
func TestWhichRefusedCallsExcuseAReturn(t *testing.T) {
	known := (&dialect{}).Dialect().Routes[1]
	for name, c := range map[string]struct {
		peer, path string
		who        payment.RelayOwner
		told       bool
	}{
		"a provider of another name":    {"127.0.0.1:9", "/nobody" + known.Path, payment.RelayOwn, true},
		"no provider":                   {"127.0.0.1:9", "/", payment.RelayOwn, true},
		"no such call":                  {"127.0.0.1:9", "/gate/no/such", payment.RelayOwn, true},
		"others' credentials":           {"127.0.0.1:9", "/gate" + known.Path, payment.RelayStranger, true},
		"the sandbox's credentials":     {"127.0.0.1:9", "/gate" + known.Path, payment.RelayOtherEnvironment, true},
		"a stranger, another name":      {"203.0.113.9:9", "/nobody" + known.Path, payment.RelayOwn, false},
		"a stranger, no such call":      {"203.0.113.9:9", "/gate/no/such", payment.RelayOwn, false},
		"a stranger, no credentials":    {"203.0.113.9:9", "/gate" + known.Path, payment.RelayStranger, false},
		"a stranger, our credentials":   {"203.0.113.9:9", "/gate" + known.Path, payment.RelayOwn, false},
		"a body that can't be read":     {"127.0.0.1:9", "/gate" + known.Path, payment.RelayOwn, false},
		"a stranger's unreadable body":  {"203.0.113.9:9", "/gate" + known.Path, payment.RelayOwn, false},
		"a page of ours, another name":  {"browser", "/nobody" + known.Path, payment.RelayOwn, false},
		"a page of ours, no such call":  {"browser", "/gate/no/such", payment.RelayOwn, false},
		"a page of ours, a strange key": {"browser", "/gate" + known.Path, payment.RelayStranger, false},
	} {
		app := &fakeApp{rel: &owned{who: c.who}, err: errors.New("not open")}
		s := &Server{App: app}
		r := httptest.NewRequest(known.Method, c.path, strings.NewReader("{}"))
		if r.RemoteAddr = c.peer; c.peer == "browser" {
			r.RemoteAddr = "127.0.0.1:9"
			r.Header.Set("Origin", "https://shop.test")
		}
		if c.who == payment.RelayOwn && !c.told {
			r.Body = http.MaxBytesReader(nil, r.Body, 0)
		}
		if err := s.Serve(httptest.NewRecorder(), r, c.path); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if app.opened != map[bool]int{true: 1}[c.told] {
			t.Errorf("%s: the engine was told %d times", name, app.opened)
		}
	}
	// A relay of a site tells whose call it was, by all names of the site.
	eng, err := engine.New(t.Context(), engine.Config{Store: memory.New(nil)})
	if err != nil {
		t.Fatal(err)
	}
	sites := 0
	s := &Server{App: &fakeApp{eng: eng, rel: &owned{}}, Own: func(_ *http.Request, callback *url.URL, provider string) (Site, bool) {
		if sites++; callback != nil || provider != "nobody" {
			t.Errorf("asked for %v, %s", callback, provider)
		}
		return Site{ID: "new", Formerly: []string{"old"}}, false
	}}
	r := httptest.NewRequest(known.Method, "http://shop.test/nobody/x", nil)
	r.RemoteAddr = "127.0.0.1:9"
	if err := s.Serve(httptest.NewRecorder(), r, "/nobody/x"); err != nil || sites != 1 {
		t.Errorf("%v, the site was asked for %d times", err, sites)
	}
}

// An address is told from every other, and gives nothing of a secret path away.
func TestThrough(t *testing.T) {
	seen := map[string]string{}
	for _, prefix := range []string{"", "/", "/-/pay", "/-/pay/secret", "/-/pay/secreu", "/zibal"} {
		for _, name := range []string{"zibal", "zb", "Zibal", "zarinpal"} {
			got := Through(prefix, name)
			if was, ok := seen[got]; ok || len(got) != 8 || strings.Contains(got, "secre") {
				t.Errorf("%s of %s: %q, as of %s", name, prefix, got, was)
			}
			seen[got] = prefix + " " + name
			s := &Server{}
			r := httptest.NewRequest(http.MethodPost, "http://shop.test"+prefix+"/"+name+"/v1/verify", nil)
			if came := s.through(r, "/"+name+"/v1/verify", name, nil); came != got {
				t.Errorf("a call below %s came through %q", prefix, came)
			}
		}
	}
	if a, b := ThroughPlace("zibal"), ThroughPlace("zarinpal"); a == b || seen[a] != "" {
		t.Error("places are not told apart")
	}
}
