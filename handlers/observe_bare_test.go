package handlers

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/rahgir/caddy-payments/engine/forwarded"
	"github.com/rahgir/caddy-payments/payment"
)

// numbered reads a return as Zibal has it: the id is a number.
type numbered struct{ accounted }

func (numbered) ReadReturn(get func(string) string) (payment.Claimed, error) {
	id := get("Authority")
	for _, c := range id {
		if c < '0' || c > '9' {
			return payment.Claimed{}, errors.New("no number")
		}
	}
	if id == "" || id[0] == '0' {
		return payment.Claimed{}, errors.New("no id")
	}
	return payment.Claimed{ID: id}, nil
}

// A request to an observe route that a shop may read as a known payment's id is compared
// with its create, also if it has nothing else of a return. Pages of the shop's with other
// numbers pass.
func TestARespeltIDAloneIsAReturn(t *testing.T) {
	t.Parallel()
	log := forwarded.At(filepath.Join(t.TempDir(), "calls.jsonl"))
	h := routed("/cb")
	h.server = serving("12112")
	h.app = away{log: log, accounts: map[string]string{"p": "p|1"}}
	standAt(t, []*Handler{h}, standing{hosts: hosts{names: []string{"shop.test"}}})
	if err := log.Append(forwarded.Mark{
		Call: "c", Kind: payment.RelayCreate, Provider: "p", Site: "shop.test:12112", ID: "3714061849", Callback: "http://shop.test:12112/cb?o=cheap",
	}); err != nil {
		t.Fatal(err)
	}
	info, _ := h.app.Provider("p")
	info.Provider = numbered{accounted{issuer: "p|1"}}
	o := &Observe{Match: h.Verify[0].Match, Provider: "p"}
	o.conf.provider = &provider{ProviderInfo: info, terms: info.Terms()}
	h.Observe = []*Observe{o}
	const id = "3714061849"
	for query, stops := range map[string]bool{
		"o=dear&Authority=" + id:             true,
		"o=dear&Authority=" + id + "x":       true,
		"o=dear&Authority=" + id + ".9":      true,
		"o=dear&Authority=" + id + "e0":      true,
		"o=dear&Authority=%2b" + id:          true,
		"o=dear&Authority=000" + id:          true,
		"o=dear&Authority=" + id + "/":       true,
		"o=dear&Authority=%0a" + id:          true,
		"o=dear&Authority=" + id + "%00":     true,
		"o=dear&Authority=" + id + ",1":      true,
		"o=cheap&Authority=" + id:            false, // its own
		"o=dear":                             false,
		"page=" + id:                         false, // another parameter's number
		"page=" + id + "x&o=dear":            false,
		"o=dear&Authority=3714061850x":       false, // nobody's
		"o=dear&Authority=12":                false,
		"o=dear&Authority=" + id + "0" + "x": false,
		"o=dear&Authority=x" + "&page=" + id: false,
		"":                                   false,
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			r := asked(httptest.NewRequest(http.MethodGet, "http://shop.test:12112/cb?"+query, nil))
			got, b, err := h.observed(r, false)
			why := err
			if got != nil && err == nil {
				_, why = h.foreign(r, got, nil, b)
			}
			if (why != nil) != stops {
				t.Errorf("route %v, %v", got != nil, why)
			}
		})
	}
}
