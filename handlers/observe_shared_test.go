package handlers

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/engine/forwarded"
	"github.com/rahgir/caddy-payments/payment"
)

// Shops that share one account through a relay without a site of its own, and have no
// `observe`: a payment of one is never brought to the other, nor to another order. What was
// created for an address of no site here passes.
func TestASharedRelayBindsReturns(t *testing.T) {
	t.Parallel()
	log := forwarded.At(filepath.Join(t.TempDir(), "calls.jsonl"))
	app := away{log: log, accounts: map[string]string{"p": "p|1"}}
	shops := make(map[string]*Handler)
	sites := new(Sites)
	for _, name := range []string{"a.test", "b.test"} {
		h := &Handler{app: app, server: serving("12112"), sites: sites}
		standAt(t, []*Handler{h}, standing{hosts: hosts{names: []string{name}}})
		shops[name] = h
		sites.handlers = append(sites.handlers, h)
	}
	sites.settled = true
	for id, site := range map[string]string{"A00001": "a.test:12112", "A00002": "b.test:12112", "A00003": "www.a.test:12112"} {
		if err := log.Append(forwarded.Mark{
			Call: id, Kind: payment.RelayCreate, Provider: "p", Site: site, ID: id, Callback: "http://" + site + "/cb?order=cheap",
		}); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		shop, query, body string
		stops             bool
	}{
		"its own":                     {shop: "a.test", query: "order=cheap&Authority=A00001&Status=OK"},
		"the other's own":             {shop: "b.test", query: "order=cheap&Authority=A00002&Status=OK"},
		"of the other":                {shop: "b.test", query: "order=cheap&Authority=A00001&Status=OK", stops: true},
		"of the other, the other way": {shop: "a.test", query: "order=cheap&Authority=A00002&Status=OK", stops: true},
		"of the other, in a form":     {shop: "b.test", query: "order=cheap", body: "Authority=A00001&Status=OK", stops: true},
		"of the other, its id alone":  {shop: "b.test", query: "order=cheap&Authority=A00001", stops: true},
		"moved to another order":      {shop: "a.test", query: "order=dear&Authority=A00001&Status=OK", stops: true},
		"of no site here":             {shop: "a.test", query: "order=cheap&Authority=A00003&Status=OK"},
		"of nobody":                   {shop: "a.test", query: "order=cheap&Authority=A00004&Status=OK"},
		"no return":                   {shop: "a.test", query: "order=cheap&page=2"},
		"what can't be read":          {shop: "a.test", query: "order=cheap&Authority=A00004&Status=OK&a=%zz"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := asked(httptest.NewRequest(http.MethodPost, "http://"+c.shop+":12112/cb?"+c.query, strings.NewReader(c.body)))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if page := shops[c.shop].strayed(r); (page != nil) != c.stops {
				t.Errorf("stopped: %v", page != nil)
			}
		})
	}
}
