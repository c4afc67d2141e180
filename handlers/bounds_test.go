package handlers

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// looking counts the look-ups of intents.
type looking struct {
	*memory.Store
	looks int
}

func (l *looking) Holder(ctx context.Context, key payment.Key) (payment.Ref, error) {
	l.looks++
	return l.Store.Holder(ctx, key)
}

// A return that can be read in many ways costs so many look-ups, and no more.
func TestLookUpsOfOneReturnAreBounded(t *testing.T) {
	t.Parallel()
	store := &looking{Store: memory.New(nil)}
	eng, err := engine.New(t.Context(), engine.Config{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"a", "b", "c", "d", "e"}
	v := routed("/back").Verify[0]
	v.route.provider.terms.Params = names
	for _, n := range []int{0, 1, mostTried - 1, mostTried, mostTried + 1, len(names) * params.MostValues, 1000} {
		q := make(url.Values)
		for i := range n {
			q.Add(names[i%len(names)], fmt.Sprintf("id%04d", i))
		}
		store.looks = 0
		tr := &returnRequest{v: v, eng: eng, r: httptest.NewRequest(http.MethodGet, "/back?"+q.Encode(), nil)}
		if rec := tr.announced(t.Context()); rec != nil || store.looks != min(n, mostTried) {
			t.Errorf("%d values: %d look-ups, found %v", n, store.looks, rec != nil)
		}
	}
}

// A return that may be read in more ways than are compared is refused, whichever of its
// parameters is there how often.
func TestReadingsAreBounded(t *testing.T) {
	t.Parallel()
	o := new(Observe)
	o.conf.provider = &provider{
		ProviderInfo: ProviderInfo{Provider: paper{}, Name: "p"},
		terms:        payment.Terms{Protocol: payment.Protocol{Params: []string{"id", "b", "c"}}},
	}
	for _, c := range []struct{ id, b, c int }{
		{1, 0, 0}, {7, 0, 0}, {7, 3, 3}, {4, 4, 4}, {7, 5, 2}, {5, 5, 3}, {7, 7, 7},
		{params.MostValues, 0, 0}, {0, params.MostValues, 0}, {500, 0, 0},
	} {
		q := make(url.Values)
		for name, n := range map[string]int{"id": c.id, "b": c.b, "c": c.c} {
			for i := range n {
				q.Add(name, fmt.Sprint(name, i))
			}
		}
		all, err := o.named(q.Encode(), nil)
		readings := max(c.id, 1) * max(c.b, 1) * max(c.c, 1)
		most := max(c.id, c.b, c.c)
		if refused := readings > mostReadings || most >= params.MostValues; (err != nil) != refused || err == nil && len(all) != c.id {
			t.Errorf("%+v, %d readings: %d payments, %v", c, readings, len(all), err)
		}
	}
	for _, n := range []int{params.MaxBytes - 1, params.MaxBytes, params.MaxBytes + 1, 10 * params.MaxBytes} {
		text := "id=K1&x=" + strings.Repeat("x", n-len("id=K1&x="))
		for where, q := range map[string]string{"query": text, "form": ""} {
			form := []byte(nil)
			if q == "" {
				form = []byte(text)
			}
			if all, err := o.named(q, form); (err != nil) != (n > params.MaxBytes) || err == nil && len(all) != 1 {
				t.Errorf("a %s of %d bytes: %d payments, %v", where, n, len(all), err)
			}
		}
	}
}

// The id that a shop announces without a redirect has a length.
func TestAnnouncedIDsAreBounded(t *testing.T) {
	t.Parallel()
	h := routed("/cb")
	for _, n := range []int{1, mostID - 1, mostID, mostID + 1, 50 * mostID} {
		_, id, err := h.announcedFor(asked(httptest.NewRequest(http.MethodGet, "/pay", nil)), nil, "", http.Header{headerID: {strings.Repeat("k", n)}})
		if (err != nil) != (n > mostID) || err == nil && len(id) != n {
			t.Errorf("%d bytes: %d taken, %v", n, len(id), err)
		}
	}
}

// withEngine is an app whose ledger is open, and empty.
type withEngine struct {
	idle
	eng *engine.Engine
}

func (a withEngine) Engine(context.Context) (*engine.Engine, error) { return a.eng, nil }

// What a browser has bought is kept in cookies up to so many and so many bytes; what was
// never paid goes first, and no more of it than the new one needs.
func TestPurchaseCookiesAreBounded(t *testing.T) {
	t.Parallel()
	eng, err := engine.New(t.Context(), engine.Config{Store: memory.New(nil)})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.NewKeys(payment.SigningKey{Secret: []byte(strings.Repeat("k", 32))})
	if err != nil {
		t.Fatal(err)
	}
	h := routed("/cb")
	h.app, h.server = withEngine{eng: eng}, serving("80")
	standAt(t, []*Handler{h}, standing{hosts: hosts{names: []string{"shop.test"}}})
	const size = 300 // of each cookie, as cookieSize counts
	for _, c := range []struct{ cookies, spare, dropped int }{
		{0, 0, 0}, {1, 0, 0},
		{12, mostPurchases - 12*size, 0},     // exactly full with the new one
		{12, mostPurchases - 12*size - 1, 0}, // below
		{12, mostPurchases - 12*size + 1, 1}, // a byte more
		{13, size, 1}, {20, 100, 7}, {20, 4096, 20},
	} {
		r := asked(httptest.NewRequest(http.MethodGet, "http://shop.test/", nil))
		view := h.view(r)
		for i := range c.cookies {
			name := fmt.Sprintf("%s%010d", familyPaid, i)
			full := token.CookieName(name, view)
			r.AddCookie(&http.Cookie{Name: full, Value: strings.Repeat("v", size-len(full)-len("=; "))})
		}
		w := httptest.NewRecorder()
		h.forgetPurchases(w, r, keys, c.spare-len(token.CookieName(familyPaid, view))-paidName)
		if got := len(w.Result().Cookies()); got != c.dropped {
			t.Errorf("%+v: %d dropped", c, got)
		}
	}
	// Many small ones: their number is the bound.
	for _, n := range []int{token.MaxCookies - 1, token.MaxCookies} {
		r := asked(httptest.NewRequest(http.MethodGet, "http://shop.test/", nil))
		for i := range n {
			r.AddCookie(&http.Cookie{Name: token.CookieName(fmt.Sprintf("%s%010d", familyPaid, i), h.view(r)), Value: "v"})
		}
		w := httptest.NewRecorder()
		h.forgetPurchases(w, r, keys, 10)
		if got, want := len(w.Result().Cookies()), n-(token.MaxCookies-1); got != want {
			t.Errorf("%d small ones: %d dropped, want %d", n, got, want)
		}
	}
}

// What was bought goes last, wherever it stands among what was never paid.
func TestWhatWasBoughtGoesLast(t *testing.T) {
	t.Parallel()
	store := memory.New(nil)
	eng, err := engine.New(t.Context(), engine.Config{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.NewKeys(payment.SigningKey{Secret: []byte(strings.Repeat("k", 32))})
	if err != nil {
		t.Fatal(err)
	}
	h := routed("/cb")
	h.app, h.server = withEngine{eng: eng}, serving("80")
	standAt(t, []*Handler{h}, standing{hosts: hosts{names: []string{"shop.test"}}})
	for _, c := range []struct {
		cookies int
		bought  []int
		dropped int // of what was bought
	}{
		{8, []int{0}, 0}, {20, []int{0}, 0}, {20, []int{19}, 0}, {20, []int{0, 7, 19}, 0},
		{20, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}, 8},
	} {
		r := asked(httptest.NewRequest(http.MethodGet, "http://shop.test/", nil))
		view, site := h.view(r), h.siteOf(r)
		bought := make(map[string]bool)
		for i := range c.cookies {
			rec := &payment.Record{Ref: payment.NewRef(site.id, "bank", fmt.Sprint("K", i), fmt.Sprint(c.cookies, c.bought, i)), Site: site.id, State: payment.Created}
			name := fmt.Sprintf("%s%010d", familyPaid, i)
			if slices.Contains(c.bought, i) {
				rec.State, bought[token.CookieName(name, view)] = payment.Delivered, true
			}
			if err := store.Commit(t.Context(), payment.Change{Record: rec}); err != nil {
				t.Fatal(err)
			}
			text, err := keys.SignPaid(token.Paid{Ref: rec.Ref, Items: []string{"mug"}}, site.names[0], time.Now())
			if err != nil {
				t.Fatal(err)
			}
			r.AddCookie(&http.Cookie{Name: token.CookieName(name, view), Value: text})
		}
		w := httptest.NewRecorder()
		h.forgetPurchases(w, r, keys, 300)
		dropped, all := 0, w.Result().Cookies()
		for _, cookie := range all {
			if bought[cookie.Name] {
				dropped++
			}
		}
		if c.cookies == 20 && len(all) == 0 {
			t.Fatalf("%+v: nothing is dropped", c)
		}
		if (dropped > 0) != (c.dropped > 0) || dropped > c.dropped {
			t.Errorf("%+v: %d of what was bought are dropped", c, dropped)
		}
	}
}

// A plugin that never asks is told of after so many returns in a row, and not before; one
// question begins the count anew.
func TestNeverAsksIsSaidAtItsBound(t *testing.T) {
	t.Parallel()
	h := routed("/cb")
	h.server, h.app = serving("80"), away{accounts: map[string]string{"p": "p|1"}}
	standAt(t, []*Handler{h}, standing{hosts: hosts{names: []string{"shop.test"}}})
	s := &Sites{handlers: []*Handler{h}, settled: true}
	for _, n := range []int{0, quietMost - 1, quietMost, quietMost + 1, 100 * quietMost} {
		o := &Observe{Match: h.Verify[0].Match, Provider: "p"}
		o.conf.quiet = new(atomic.Int32)
		h.Observe = []*Observe{o}
		for range n {
			o.looked(false)
		}
		said := func() bool {
			_, missing := s.Returned()
			for _, f := range missing {
				if f.Code == "never_asks" {
					return true
				}
			}
			return false
		}
		if got := said(); got != (n >= quietMost) {
			t.Errorf("%d returns: said %v", n, got)
		}
		if o.looked(true); said() {
			t.Errorf("%d returns: said though it asks", n)
		}
	}
}
