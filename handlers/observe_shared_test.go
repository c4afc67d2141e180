package handlers

import (
	"fmt"
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
	many := func(n int) (ids string) {
		for i := range n {
			ids += fmt.Sprintf("&Authority=A9%04d", i)
		}
		return ids
	}
	for name, c := range map[string]struct {
		shop, query, body string
		header            string // of the request, with its value; its body is a form without
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
		"with a broken parameter":     {shop: "a.test", query: "order=cheap&Authority=A00004&Status=OK&a=%zz"},
		"of the other, in many ways":  {shop: "b.test", query: "order=cheap&Status=OK" + many(mostReadings) + "&Authority=A00001", stops: true},
		"in many ways, and no return": {shop: "b.test", query: "order=cheap" + many(mostReadings+1)},
		"of the other, and packed":    {shop: "b.test", query: "order=cheap&Authority=A00001&Status=OK", body: "x", header: "Content-Encoding: gzip", stops: true},
		"of the other, in a charset":  {shop: "b.test", query: "order=cheap&Authority=A00001&Status=OK", body: "x", header: "Content-Type: application/x-www-form-urlencoded; charset=utf-16", stops: true},
		"packed, and no return":       {shop: "b.test", query: "order=cheap&page=2", body: "x", header: "Content-Encoding: gzip"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := asked(httptest.NewRequest(http.MethodPost, "http://"+c.shop+":12112/cb?"+c.query, strings.NewReader(c.body)))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if name, value, ok := strings.Cut(c.header, ": "); ok {
				r.Header.Set(name, value)
			}
			if page := shops[c.shop].strayed(r); (page != nil) != c.stops {
				t.Errorf("stopped: %v", page != nil)
			}
		})
	}
}
