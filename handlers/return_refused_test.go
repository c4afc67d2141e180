package handlers

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// A verified payment whose hand-over may not begin, because its money may be on its way back,
// is answered once: "being confirmed". Answer and hand-over called each other before, until the
// process had no stack left.
func TestAHandOverThatMayNotBeginIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	store := memory.New(nil)
	eng, err := engine.New(t.Context(), engine.Config{Store: store, Providers: map[string]engine.Provider{"bank": {Provider: titled{}, Timeout: time.Second}}})
	if err != nil {
		t.Fatal(err)
	}
	rec := &payment.Record{
		Ref: payment.NewRef("shop", "bank", "K1", "101"), Site: "shop", Provider: "bank", Issuer: "bank", ID: "K1", Order: "101", State: payment.Verified,
		Receipt: &payment.Receipt{ID: "K1", Order: "101", Amount: 50_000}, CreatedAt: time.Now(), Generation: 1,
		Refunds: []payment.Refund{{Kind: payment.KindReverse, State: payment.RefundAsking, Amount: 50_000, Key: "k", By: payment.ByShop, Began: time.Now()}},
	}
	if err := store.Commit(t.Context(), payment.Change{Record: rec}); err != nil {
		t.Fatal(err)
	}
	secret, err := payment.NewSigningKey([]byte("0123456789abcdef0123456789abcdef"), "")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.NewKeys(secret)
	if err != nil {
		t.Fatal(err)
	}
	h := routed("/back")
	w := httptest.NewRecorder()
	r := asked(httptest.NewRequest(http.MethodGet, "http://shop/back?id=K1", nil))
	ret := &returnRequest{h: h, v: h.Verify[0], w: w, r: r, eng: eng, keys: keys}
	if err := ret.deliver(rec); err != nil {
		t.Fatal(err)
	}
	if w.Code != http.StatusAccepted {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// titled is a provider that terms can be asked of.
type titled struct{ paper }

func (titled) Protocol() payment.Protocol { return payment.Protocol{} }
func (titled) Traits() payment.Traits     { return payment.Traits{Issuer: "bank"} }
