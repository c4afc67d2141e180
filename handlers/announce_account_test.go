package handlers

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// branch is one of several accounts of a gateway, whose pay page is that of all.
type branch struct {
	sketched
	name string
}

func (a branch) Traits() payment.Traits {
	return payment.Traits{Issuer: "bank|" + a.name + "|live", Environment: payment.Live}
}

func (branch) PayPage(u *url.URL) (string, bool) {
	return strings.TrimPrefix(u.Path, "/"), u.Host == "bank.test"
}

// shared is a site whose routes are those of accounts, in one block or in as many, and its
// ledger.
func shared(t *testing.T, blocks [][]string, strict bool) ([]*Handler, *memory.Store) {
	t.Helper()
	store := memory.New(nil)
	accounts := make(map[string]engine.Provider)
	for _, names := range blocks {
		for _, name := range names {
			accounts[name] = engine.Provider{Provider: branch{name: name}, Timeout: time.Second}
		}
	}
	eng, err := engine.New(t.Context(), engine.Config{Store: store, Providers: accounts})
	if err != nil {
		t.Fatal(err)
	}
	secret, err := payment.NewSigningKey([]byte("0123456789abcdef0123456789abcdef"), "")
	if err != nil {
		t.Fatal(err)
	}
	var all []*Handler
	for _, names := range blocks {
		var paths []string
		for _, name := range names {
			paths = append(paths, "/"+name)
		}
		h := routed(paths...)
		for i, name := range names {
			v := h.Verify[i]
			p := &provider{ProviderInfo: ProviderInfo{Provider: branch{name: name}, Name: name}, terms: payment.TermsOf(branch{name: name})}
			v.Provider, v.route.provider, v.route.name = name, p, "/"+name+" "+name
			if strict {
				v.route.expect = expectIntent
			}
			h.ours = append(h.ours, p)
		}
		h.app, h.log, h.server = banked{eng: eng}, zap.NewNop(), serving("80")
		if h.keys, err = token.NewKeys(secret); err != nil {
			t.Fatal(err)
		}
		all = append(all, h)
	}
	at := make([]standing, len(all))
	for i := range at {
		at[i] = standing{hosts: hosts{names: []string{"shop.test"}}}
	}
	standAt(t, all, at...)
	return all, store
}

// Several accounts of a gateway have one pay page. An announcement is recorded for the one
// that the shop names or whose route takes the return address, in whichever block it stands;
// without either for each of them, because any may be paid.
func TestAnAnnouncementIsOfTheAccountThatTheShopMeans(t *testing.T) {
	t.Parallel()
	layouts := [][][]string{
		{{"a", "b"}}, {{"b", "a"}}, {{"a"}, {"b"}}, {{"b"}, {"a"}}, {nil, {"a", "b"}}, {nil, {"b"}, {"a"}}, {{"a", "b", "c"}}, {{"c"}, {"b", "a"}},
		{{"b"}}, {nil, {"b"}}, {{"b"}, {"b"}},
	}
	for _, blocks := range layouts {
		names := slices.Compact(slices.Sorted(slices.Values(slices.Concat(blocks...))))
		for _, says := range []struct{ name, back string }{{"b", ""}, {"", "/b"}, {"", "http://shop.test/b?x=1"}, {"b", "/b"}, {"", ""}, {"other", ""}, {"", "/elsewhere"}, {"b", "/elsewhere"}} {
			for _, strict := range []bool{true, false} {
				for _, byPage := range []bool{true, false} {
					t.Run(fmt.Sprint(blocks, says, strict, byPage), func(t *testing.T) {
						t.Parallel()
						all, store := shared(t, blocks, strict)
						r := asked(httptest.NewRequest(http.MethodGet, "http://shop.test/pay", nil))
						for _, h := range all {
							begin(r, h)
						}
						w := httptest.NewRecorder()
						err := all[0].watch(w, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
							w.Header().Set(headerOrder, "101")
							w.Header().Set(headerAmount, "50000")
							if byPage {
								w.Header().Set("Location", "https://bank.test/K1")
							} else {
								w.Header().Set(headerID, "K1")
							}
							if says.name != "" {
								w.Header().Set(headerName, says.name)
							}
							if says.back != "" {
								w.Header().Set(headerReturn, says.back)
							}
							w.WriteHeader(http.StatusFound)
							return nil
						}), "", nil)
						if err != nil {
							t.Fatal(err)
						}
						page, err := store.List(t.Context(), payment.Listing{})
						if err != nil {
							t.Fatal(err)
						}
						recs := slices.DeleteFunc(page.Records, func(r *payment.Record) bool { return r.State != payment.Created })
						back := strings.Contains(says.back, "/b")
						// A redirect to the pay page needs no name; an id alone does.
						var want []string
						switch known := says.name == "b" || back; {
						case known:
							want = []string{"b"}
						case byPage, len(names) == 1 && says.name == "":
							want = names
						}
						usable := len(want) > 0 && says.back != "/elsewhere"
						if sent := w.Code == http.StatusFound; sent != (usable || !strict) {
							t.Errorf("the customer is answered %d", w.Code)
						}
						if strict && !usable {
							want = nil
						}
						var got []string
						for _, rec := range recs {
							got = append(got, rec.Provider)
							if rec.Issuer != "bank|"+rec.Provider+"|live" || rec.ID != "K1" || rec.Order != "101" || (rec.Return != nil) != back || back && rec.Route != "/b b" {
								t.Errorf("%s of %s, order %s, route %q, return %+v", rec.ID, rec.Issuer, rec.Order, rec.Route, rec.Return)
							}
						}
						if slices.Sort(got); !slices.Equal(got, want) {
							t.Errorf("recorded for %q, not for %q", got, want)
						}
					})
				}
			}
		}
	}
}
