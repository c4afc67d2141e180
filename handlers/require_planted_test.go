package handlers

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// Whatever cookies somebody has planted in a buyer's browser before the buyer's own, the buyer
// is let in, is known, and loses nothing by pressing Pay again.
func TestPlantedCookiesShutNoBuyerOut(t *testing.T) {
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
	h.app, h.server, h.keys = withEngine{eng: eng}, serving("80"), keys
	standAt(t, []*Handler{h}, standing{hosts: hosts{names: []string{"shop.test"}}})
	q := &Require{Items: []string{"mug"}, Devices: 3}
	site := h.siteOf(asked(httptest.NewRequest(http.MethodGet, "http://shop.test/", nil)))
	records := make(map[string]*payment.Record)
	record := func(order string, state payment.State) *payment.Record {
		if rec := records[order]; rec != nil {
			return rec
		}
		rec := &payment.Record{Ref: payment.NewRef(site.id, "bank", order, order), Site: site.id, ID: order, Order: order, State: state, Expect: payment.Expectation{Item: "mug"}}
		if err := store.Commit(t.Context(), payment.Change{Record: rec}); err != nil {
			t.Fatal(err)
		}
		records[order] = rec
		return rec
	}
	signed := func(rec *payment.Record, by string) string {
		text, err := keys.SignPaid(token.Paid{Ref: rec.Ref, Items: []string{"mug"}, Browser: by}, site.id, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	bought := record("bought", payment.Delivered)
	nonce := token.NewNonce()
	name := familyPaid + string(bought.Ref[:paidName])
	kinds := map[string]func(i int) (name, value string){
		"forged": func(i int) (string, string) {
			return fmt.Sprintf("%s%010x", familyPaid, i), "eyJhbGciOiJIUzI1NiJ9.e30.x"
		},
		"forged, the same name": func(i int) (string, string) { return name, fmt.Sprint("x", i) },
		"a stranger's": func(i int) (string, string) {
			rec := record(fmt.Sprint("S", i), payment.Created)
			return familyPaid + string(rec.Ref[:paidName]), signed(rec, token.ShortHash("stranger"))
		},
		"a stranger's, the same name": func(i int) (string, string) {
			return name, signed(record(fmt.Sprint("S", i), payment.Created), token.ShortHash("stranger"))
		},
	}
	for kind, plant := range kinds {
		for _, n := range []int{0, 1, token.MaxCookies - 1, token.MaxCookies, token.MaxCookies + 1, 8 * token.MaxCookies} {
			for _, by := range []string{token.ShortHash(nonce), anotherDevice} {
				r := asked(httptest.NewRequest(http.MethodGet, "http://shop.test/", nil))
				view := h.view(r)
				for i := range n {
					name, value := plant(i)
					r.AddCookie(&http.Cookie{Name: token.CookieName(name, view), Value: value})
				}
				r.AddCookie(&http.Cookie{Name: token.CookieName(cookieBrowser, view), Value: nonce})
				r.AddCookie(&http.Cookie{Name: token.CookieName(name, view), Value: signed(bought, by)})
				if page, shut := h.open(httptest.NewRecorder(), r, q); page != nil || shut {
					t.Errorf("%d, %s: the buyer (%s) is shut out", n, kind, by)
				}
				if !h.bought(r, "mug") || !h.boughtHere(r, keys, bought.Ref) {
					t.Errorf("%d, %s: the buyer (%s) isn't known", n, kind, by)
				}
				w := httptest.NewRecorder()
				h.forgetPurchases(w, r, keys, 300)
				deleted := w.Result().Cookies()
				if slices.ContainsFunc(deleted, func(c *http.Cookie) bool { return c.Name == token.CookieName(name, view) }) || len(deleted) > token.MaxCookies {
					t.Errorf("%d, %s: pressing Pay deletes %d cookies, perhaps the purchase (%s)", n, kind, len(deleted), by)
				}
			}
		}
	}
}

// What somebody has planted doesn't drive the payments out of memory that a browser was sent
// to pay.
func TestPlantedCookiesHideNoPendingPayment(t *testing.T) {
	t.Parallel()
	keys, err := token.NewKeys(payment.SigningKey{Secret: []byte(strings.Repeat("k", 32))})
	if err != nil {
		t.Fatal(err)
	}
	h := routed("/cb")
	h.server = serving("80")
	standAt(t, []*Handler{h}, standing{hosts: hosts{names: []string{"shop.test"}}})
	for _, n := range []int{0, mostPending - 1, mostPending, token.MaxCookies, 8 * token.MaxCookies} {
		for _, own := range []int{0, 1, mostPending - 1, mostPending, mostPending + 1} {
			r := asked(httptest.NewRequest(http.MethodGet, "http://shop.test/", nil))
			view, site := h.view(r), h.siteOf(r)
			for i := range n {
				r.AddCookie(&http.Cookie{Name: token.CookieName(fmt.Sprintf("%s%010x", familyPending, i), view), Value: "planted"})
			}
			var names []string
			for i := range own {
				ref := payment.NewRef(site.id, "bank", fmt.Sprint(i), fmt.Sprint(i))
				names = append(names, string(ref[:paidName]))
				r.AddCookie(&http.Cookie{Name: token.CookieName(familyPending+names[i], view), Value: keys.SignRef(ref, site.id)})
			}
			if got := len(h.pending(r, keys)); got != own {
				t.Errorf("%d planted: %d of %d are read", n, got, own)
			}
			w := httptest.NewRecorder()
			h.rememberPending(w, r, keys, &payment.Record{Ref: payment.NewRef(site.id, "bank", "new", "new")}, site.id)
			deleted := 0
			for _, c := range w.Result().Cookies() {
				if c.MaxAge < 0 {
					deleted++
				}
			}
			if want := max(own-mostPending+1, 0); deleted != want {
				t.Errorf("%d planted, %d own: %d are deleted, want %d", n, own, deleted, want)
			}
		}
	}
}
