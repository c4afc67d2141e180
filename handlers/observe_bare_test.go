package handlers

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/engine/forwarded"
	"github.com/rahgir/caddy-payments/internal/params"
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

// numberedShop is a shop with an observe route, to which one payment was created.
func numberedShop(t *testing.T, id, callback string) *Handler {
	t.Helper()
	log := forwarded.At(filepath.Join(t.TempDir(), "calls.jsonl"))
	h := routed("/cb")
	h.server = serving("12112")
	h.app = away{log: log, accounts: map[string]string{"p": "p|1"}}
	standAt(t, []*Handler{h}, standing{hosts: hosts{names: []string{"shop.test"}}})
	if err := log.Append(forwarded.Mark{
		Call: "c", Kind: payment.RelayCreate, Provider: "p", Site: "shop.test:12112", ID: id, Callback: "http://shop.test:12112" + callback,
	}); err != nil {
		t.Fatal(err)
	}
	info, _ := h.app.Provider("p")
	info.Provider = numbered{accounted{issuer: "p|1"}}
	o := &Observe{Match: h.Verify[0].Match, Provider: "p"}
	o.conf.provider = &provider{ProviderInfo: info, terms: info.Terms()}
	o.conf.guarded = params.NewNames(info.Terms().Params...)
	h.Observe = []*Observe{o}
	return h
}

// stopped tells why a request does not reach the shop.
func stopped(h *Handler, r *http.Request) error {
	o, b, err := h.observed(r, false)
	if o != nil && err == nil {
		_, err = h.foreign(r, o, nil, b)
	}
	return err
}

// Wherever a reader may find a payment's id, in whatever spelling, the request with another
// address is stopped, or what names the payment is taken out of it.
func TestAnIDAnywhereIsNoOtherOrders(t *testing.T) {
	t.Parallel()
	const id = "3714061849"
	h := numberedShop(t, id, "/cb?o=cheap")
	places := map[string]func(value string) *http.Request{
		"query": func(v string) *http.Request {
			return httptest.NewRequest(http.MethodGet, "http://shop.test:12112/cb?o=dear&Authority="+url.QueryEscape(v), nil)
		},
		"cookie": func(v string) *http.Request {
			r := httptest.NewRequest(http.MethodGet, "http://shop.test:12112/cb?o=dear", nil)
			r.Header.Set("Cookie", "a=b; Authority="+url.QueryEscape(v)+"; c=d")
			return r
		},
	}
	for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodPut} {
		for _, kind := range []string{"", "text/plain", "application/json", formType, "image/png"} {
			places[method+" form "+kind] = func(v string) *http.Request {
				r := httptest.NewRequest(method, "http://shop.test:12112/cb?o=dear", strings.NewReader("Authority="+url.QueryEscape(v)))
				r.Header.Set("Content-Type", kind)
				return r
			}
			places[method+" JSON "+kind] = func(v string) *http.Request {
				body, _ := json.Marshal(map[string]any{"data": map[string]any{"Authority": v}})
				r := httptest.NewRequest(method, "http://shop.test:12112/cb?o=dear", bytes.NewReader(body))
				r.Header.Set("Content-Type", kind)
				return r
			}
		}
	}
	for place, made := range places {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			for _, before := range []string{"", "0", "+", " ", "\n", "\t"} {
				for _, after := range []string{"", "x", ".0", "\x00", " ", ";", "]"} {
					r := asked(made(before + id + after))
					why := stopped(h, r)
					if told := strings.Contains(r.Header.Get("Cookie"), id); why == nil && (told || place != "cookie") {
						t.Errorf("%q%s%q passes", before, id, after)
					}
				}
			}
		})
	}
	// Its own return passes, and brings no cookie of the gateway's names.
	r := asked(httptest.NewRequest(http.MethodGet, "http://shop.test:12112/cb?o=cheap&Authority="+id, nil))
	r.Header.Set("Cookie", "a=b; Authority=7; c=d")
	if err := stopped(h, r); err != nil || r.Header.Get("Cookie") != "a=b; c=d" {
		t.Errorf("%v, %q", err, r.Header.Get("Cookie"))
	}
	// What names no payment keeps its cookies.
	r = asked(httptest.NewRequest(http.MethodGet, "http://shop.test:12112/cb?o=cheap", nil))
	r.Header.Set("Cookie", "a=b; Authority=session-of-a-shop")
	if err := stopped(h, r); err != nil || r.Header.Get("Cookie") != "a=b; Authority=session-of-a-shop" {
		t.Errorf("%v, %q", err, r.Header.Get("Cookie"))
	}
}

// A request to an observe route that a shop may read as a known payment's id is compared
// with its create, also if it has nothing else of a return. Pages of the shop's with other
// numbers pass.
func TestARespeltIDAloneIsAReturn(t *testing.T) {
	t.Parallel()
	const id = "3714061849"
	h := numberedShop(t, id, "/cb?o=cheap")
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
			if why := stopped(h, r); (why != nil) != stops {
				t.Error(why)
			}
		})
	}
}

// Away from its route an id alone is a return until the shop has heard of the payment; with
// one more of the gateway's parameters, wherever a script may read it, it always is.
func TestAPartOfAReturnElsewhere(t *testing.T) {
	t.Parallel()
	const id = "3714061849"
	h := numberedShop(t, id, "/cb?o=cheap")
	for _, o := range h.Observe {
		h.compare(o)
	}
	for _, c := range []struct {
		query, cookie, body string
		stops               bool
	}{
		{query: "o=dear&Authority=" + id, stops: true},
		{query: "o=dear&Authority=" + id + "x&page=2", stops: true},
		{query: "Status=OK&o=dear"},
		{query: "o=dear&Authority=" + id + "&Status=OK", stops: true},
		{query: "o=dear&Authority=0" + id + "&status=", stops: true},
		{query: "o=dear&Status=OK", body: "Authority=" + id, stops: true},
		{query: "o=dear&Status=OK", body: `{"Authority": "` + id + `"}`, stops: true},
		{query: "o=dear&Status=" + url.QueryEscape(`{"Authority": "`+id+`"}`), stops: true},
		{query: "o=dear&Status=OK", cookie: "Authority=" + id},
		{query: "o=dear&Authority=3714061850&Status=OK"},
		{query: "o=cheap&Authority=" + id + "&Status=OK", stops: true}, // its own, to another path
	} {
		r := asked(httptest.NewRequest(http.MethodPost, "http://shop.test:12112/other?"+c.query, strings.NewReader(c.body)))
		if c.cookie != "" {
			r.Header.Set("Cookie", c.cookie)
		}
		if page := h.strayed(r); (page != nil) != c.stops || strings.Contains(r.Header.Get("Cookie"), id) {
			t.Errorf("%+v: stopped %v, %q", c, page != nil, r.Header.Get("Cookie"))
		}
	}
}

func TestAPaymentIsAwaited(t *testing.T) {
	t.Parallel()
	heard := &payment.Relayed{HeardAt: time.Unix(1, 0)}
	for _, c := range []struct {
		state payment.State
		relay *payment.Relayed
		want  bool
	}{
		{payment.Created, &payment.Relayed{}, true},
		{payment.Verifying, &payment.Relayed{}, true},
		{payment.Delivering, &payment.Relayed{}, true},
		{payment.Parked, &payment.Relayed{}, true},
		{payment.Parked, heard, false},
		{payment.Delivered, heard, false},
		{payment.Declined, &payment.Relayed{}, false},
		{payment.Expired, &payment.Relayed{}, false},
		{payment.Created, nil, false},
	} {
		if got := awaited(&payment.Record{State: c.state, Relay: c.relay}); got != c.want {
			t.Errorf("%s, heard %v: %v", c.state, c.relay == heard, got)
		}
	}
}
