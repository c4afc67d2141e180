package handlers

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/engine/forwarded"
	"github.com/rahgir/caddy-payments/handlers/relay"
	"github.com/rahgir/caddy-payments/payment"
)

// away is an app whose ledger is not open.
type away struct {
	App
	log      *forwarded.Log
	accounts map[string]string // provider to issuer
}

type accounted struct {
	returner
	issuer string
}

func (a accounted) Protocol() payment.Protocol {
	return payment.Protocol{Params: []string{"Authority", "Status"}, Marks: []string{"Authority", "Status"}}
}
func (accounted) ReturnParams(*payment.Record) map[string]string { return nil }
func (a accounted) Traits() payment.Traits                       { return payment.Traits{Issuer: a.issuer} }

func (away) Engine(context.Context) (*engine.Engine, error) { return nil, ErrNotOpen }
func (a away) Provider(name string) (ProviderInfo, bool) {
	issuer, ok := a.accounts[name]
	return ProviderInfo{Provider: accounted{issuer: issuer}, Name: name}, ok
}
func (a away) ProviderNames() []string              { return slices.Sorted(maps.Keys(a.accounts)) }
func (away) Relayer(string) (payment.Relayer, bool) { return nil, false }
func (away) Serves([]string)                        {}
func (away) Forwards()                              {}
func (away) Observe(engine.Event)                   {}
func (away) Relays(string) bool                     { return true }
func (away) Created(string, string, *url.URL, bool) {}
func (a away) Forwarded() *forwarded.Log            { return a.log }
func (away) Callback(context.Context, *url.URL, string) (relay.Site, bool) {
	return relay.Site{}, false
}

// While the ledger is away, the return of a create that was forwarded is bound to its
// callback like any other; what nobody made, and another account's, passes.
func TestAForwardedCreateBindsItsReturn(t *testing.T) {
	t.Parallel()
	log := forwarded.At(filepath.Join(t.TempDir(), "calls.jsonl"))
	h := routed("/cb")
	h.server = serving("12112")
	h.app = away{log: log, accounts: map[string]string{"p": "p|1", "same": "p|1", "other": "p|2"}}
	standAt(t, []*Handler{h}, standing{hosts: hosts{names: []string{"shop.test"}}})
	for id, provider := range map[string]string{"A00001": "p", "A00002": "same", "A00003": "other"} {
		if err := log.Append(forwarded.Mark{
			Call: id, Kind: payment.RelayCreate, Provider: provider, Site: "shop.test:12112", ID: id, Callback: "http://shop.test:12112/cb?order=cheap",
		}); err != nil {
			t.Fatal(err)
		}
	}
	o := &Observe{Provider: "p"}
	info, _ := h.app.Provider("p")
	o.conf.provider = &provider{ProviderInfo: info, terms: info.Terms()}
	for name, c := range map[string]struct {
		query  string
		passes bool
	}{
		"its own":                           {"order=cheap&Authority=A00001", true},
		"moved to another order":            {"order=dear&Authority=A00001", false},
		"without the order":                 {"Authority=A00001", false},
		"in another spelling":               {"order=dear&Authority=a00001", false},
		"the account under another name":    {"order=dear&Authority=A00002", false},
		"another account's":                 {"order=dear&Authority=A00003", true},
		"what nobody made":                  {"order=dear&Authority=A00004", true},
		"of two, one of which is forwarded": {"order=dear&Authority=A00004&Authority=A00001", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := asked(httptest.NewRequest(http.MethodGet, "http://shop.test:12112/cb?"+c.query, nil))
			b, err := o.brought(r)
			if err != nil {
				t.Fatal(err)
			}
			if _, why := h.foreign(r, o, nil, b); (why == nil) != c.passes {
				t.Errorf("%v", why)
			}
		})
	}
}

// Interface guards
var (
	_ App       = away{}
	_ relay.App = away{}
)
