package handlers

import (
	"fmt"
	"net/url"
	"slices"
	"testing"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/handlers/relay"
	"github.com/rahgir/caddy-payments/payment"
)

// relaying is an app whose providers can be relayed; those in listed by a relay without a site.
type relaying struct {
	away
	listed []string
}

func (a relaying) Relays(name string) bool { return slices.Contains(a.listed, name) }
func (a relaying) Relayer(name string) (payment.Relayer, bool) {
	_, ok := a.accounts[name]
	return relayable{}, ok
}

type relayable struct{ payment.Relayer }

func (relayable) Protocol() payment.Protocol { return payment.Protocol{} }

// Whether a plugin could have asked: at the address to which its create came, at another one, or
// nowhere. Nothing is made where it could ask nowhere, and nothing is proved where the address
// has gone.
func TestWhetherAPluginCanAsk(t *testing.T) {
	t.Parallel()
	const path = "/-/pay/s3cret-s3cret"
	own, port, place := relay.Through(path, "zibal"), relay.Through("", "zibal"), relay.ThroughPlace("")
	for name, c := range map[string]struct {
		through, provider string // of the record
		called            string // the provider, now
		paths             []string
		listed            []string
		served, same      bool
	}{
		"as it was":                         {own, "zibal", "zibal", []string{path}, nil, true, true},
		"as it was, beside another":         {own, "zibal", "zibal", []string{"/other", path}, nil, true, true},
		"the provider was renamed":          {own, "zibal", "zb", []string{path}, nil, true, false},
		"the relay has another path":        {own, "zibal", "zibal", []string{path + "x"}, nil, true, false},
		"the line is missing":               {own, "zibal", "zibal", nil, nil, false, false},
		"a relay of its own instead":        {own, "zibal", "zibal", nil, []string{"zibal"}, true, false},
		"on a port of its own":              {port, "zibal", "zibal", nil, []string{"zibal"}, true, true},
		"there, and renamed":                {port, "zibal", "zb", nil, []string{"zb"}, true, false},
		"there, and missing":                {port, "zibal", "zibal", nil, nil, false, false},
		"in the provider's place":           {place, "zibal", "zibal", nil, []string{"zibal"}, true, true},
		"there, and renamed all the same":   {place, "zibal", "zb", nil, []string{"zb"}, true, true},
		"there, and another block's":        {place, "zibal", "zibal", nil, []string{"second"}, true, true},
		"nobody knows where it came":        {"", "zibal", "zibal", []string{path}, nil, true, true},
		"nobody knows, and it was renamed":  {"", "zibal", "zb", []string{path}, nil, true, false},
		"nobody knows, and none is there":   {"", "zibal", "zibal", nil, nil, false, false},
		"a relay that serves another alone": {own, "zibal", "zibal", nil, []string{"nobody"}, false, false},
	} {
		h := routed("/cb")
		h.server, h.Verify = serving("12112"), nil
		app := relaying{away{accounts: map[string]string{c.called: "gate|1", "second": "gate|2"}}, c.listed}
		h.app = app
		standAt(t, []*Handler{h}, standing{hosts: hosts{names: []string{"shop.test"}}})
		for _, p := range c.paths {
			u, err := url.Parse(p)
			if err != nil {
				t.Fatal(err)
			}
			h.Relay = append(h.Relay, &Relay{prefix: u.Path, server: &relay.Server{App: app}})
		}
		info, _ := h.app.Provider(c.called)
		o := &Observe{Provider: c.called}
		o.conf.provider, o.conf.name = &provider{ProviderInfo: info, terms: info.Terms()}, "/cb "+c.called
		h.Observe = []*Observe{o}
		// Another shop's relay serves this one's plugin nothing, whatever its path.
		beside := routed("/cb")
		beside.app, beside.Relay = app, []*Relay{{prefix: path, server: &relay.Server{App: app}}}
		standAt(t, []*Handler{beside}, standing{hosts: hosts{names: []string{"beside.test"}}})
		s := &Sites{handlers: []*Handler{beside, h}, settled: true}
		h.sites = s
		for _, written := range []engine.Rescue{"", engine.RescueOn, engine.RescueOff} {
			o.Rescue = string(written)
			rec := &payment.Record{
				Site: h.place().shopName(), Route: "/cb " + c.provider, Provider: c.provider, Issuer: "gate|1",
				Return: &payment.Return{URI: "/cb?o=1"}, Relay: &payment.Relayed{Through: c.through},
			}
			served, same := h.callable(o, rec)
			if served != c.served || same != c.same {
				t.Errorf("%s: served %v at its address %v", name, served, same)
			}
			want := written
			switch {
			case written == engine.RescueOff:
			case !c.served:
				want = engine.RescueAway
			case written == "":
				want = engine.RescueDefault
			}
			if got := s.Rescues(rec); got != want {
				t.Errorf("%s, rescue %q: %q", name, written, got)
			}
			if rec.Relay = nil; fmt.Sprint(h.callable(o, rec)) != "true true" {
				t.Errorf("%s: who calls no relay needs one", name)
			}
		}
	}
}
