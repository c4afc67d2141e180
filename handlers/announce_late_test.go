package handlers

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// hanging is a ledger whose disk hangs: a commit ends when its caller gives up.
type hanging struct {
	*memory.Store
	hangs bool
}

func (s hanging) Commit(ctx context.Context, c payment.Change) error {
	if !s.hangs {
		return s.Store.Commit(ctx, c)
	}
	<-ctx.Done()
	return ctx.Err()
}

// banked is an app with one provider, `bank`, and a ledger.
type banked struct {
	idle
	eng *engine.Engine
}

func (b banked) Engine(context.Context) (*engine.Engine, error) { return b.eng, nil }

// An announcement that isn't on record within two seconds is answered by our own page in
// place of whatever the shop answered. No customer is sent to pay it; the shop's cookies
// stay.
func TestAnAnnouncementWaitsTwoSeconds(t *testing.T) {
	for _, hangs := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			store := memory.New(nil)
			h := routed("/back")
			eng, err := engine.New(t.Context(), engine.Config{
				Store: hanging{store, hangs}, Providers: map[string]engine.Provider{"bank": {Provider: sketched{}, Timeout: time.Second}},
			})
			if err != nil {
				t.Fatal(err)
			}
			h.app, h.log, h.server = banked{eng: eng}, zap.NewNop(), serving("80")
			secret, err := payment.NewSigningKey([]byte("0123456789abcdef0123456789abcdef"), "")
			if err != nil {
				t.Fatal(err)
			}
			if h.keys, err = token.NewKeys(secret); err != nil {
				t.Fatal(err)
			}
			standAt(t, []*Handler{h}, standing{hosts: hosts{names: []string{"shop.test"}}})
			r := asked(httptest.NewRequest(http.MethodGet, "http://shop.test/pay", nil))
			w := httptest.NewRecorder()
			begin := time.Now()
			err = h.watch(w, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
				for name, value := range map[string]string{
					headerID: "K1", headerOrder: "101", headerAmount: "50000", "Set-Cookie": "PHPSESSID=abc", "Location": "https://bank.test/K1", "ETag": `"x"`, "Content-Type": "text/html",
				} {
					w.Header().Set(name, value)
				}
				w.WriteHeader(http.StatusCreated)
				_, err := w.Write([]byte("the shop's form"))
				return err
			}), "", nil)
			took := time.Since(begin)
			if err != nil {
				t.Fatal(err)
			}
			page, err := store.List(t.Context(), payment.Listing{})
			if err != nil || (len(page.Records) == 1) == hangs {
				t.Errorf("hangs %v: %d records, %v", hangs, len(page.Records), err)
			}
			if !hangs && len(page.Records) == 1 {
				if rec := page.Records[0]; rec.ID != "K1" || rec.Order != "101" || rec.Expect.Amount != 50_000 {
					t.Errorf("it is on record as %s of %s for %d", rec.ID, rec.Order, rec.Expect.Amount)
				}
			}
			want, body := http.StatusCreated, "the shop's form"
			if hangs {
				want = http.StatusServiceUnavailable
			}
			if w.Code != want || (w.Body.String() == body) == hangs || hangs && took != announceWait || !hangs && took != 0 {
				t.Errorf("hangs %v: %d after %s: %.100s", hangs, w.Code, took, w.Body)
			}
			if hangs && (w.Header().Get("Location") != "" || w.Header().Get("ETag") != "") || w.Header().Get(headerID) != "" || w.Header().Get("Set-Cookie") != "PHPSESSID=abc" {
				t.Errorf("hangs %v: %v", hangs, w.Header())
			}
		})
	}
}

// announceWait is how long an answer waits for the ledger.
const announceWait = 2 * time.Second

// sketched is a provider that is never asked.
type sketched struct{ paper }

func (sketched) Traits() payment.Traits {
	return payment.Traits{Issuer: "bank|1|live", Environment: "live"}
}
func (sketched) Protocol() payment.Protocol { return payment.Protocol{Params: []string{"id"}} }

// An answer that leads to one payment's pay page, and names another in X-Payment-Id, announces
// nothing.
func TestAnIDBesideARedirect(t *testing.T) {
	t.Parallel()
	h := routed("/back")
	for id, good := range map[string]bool{"": true, "K1": true, "K2": false, "k1": false} {
		header := http.Header{}
		if id != "" {
			header.Set(headerID, id)
		}
		all := []payee{{h, h.Verify[0].route.provider}}
		if _, got, err := h.announcedFor(asked(httptest.NewRequest(http.MethodGet, "/pay", nil)), all, "K1", header); (err == nil) != good || got != "K1" {
			t.Errorf("%q beside K1: %q, %v", id, got, err)
		}
	}
}
