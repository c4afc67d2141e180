package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// An answer that the shop has not heard is kept up to its bound; in place of a longer one
// the next ask hears one that is made from the receipt. Either is "first", once.
func TestKeptAnswersAreBounded(t *testing.T) {
	const most = 4 << 10
	for _, n := range []int{100, most - 1, most, most + 1, 15 * most} {
		synctest.Test(t, func(t *testing.T) {
			w := newRelayWorld(t)
			defer w.halt()
			w.call("create", "")
			body := append([]byte(`{"code":100,"x":"`), bytes.Repeat([]byte("x"), n)...)[:n-2]
			body = append(body, `"}`...)
			w.gate.say = func(string) payment.RelayReply { return payment.RelayReply{Status: 200, Body: body} }
			w.call("verify", "K1", unheard)
			if kept := len(w.only().Relay.Kept) > 0; kept != (n <= most) {
				t.Errorf("%d bytes: kept %v", n, kept)
			}
			want := string(body)
			if n > most {
				want = "first made anew"
			}
			if h := w.call("verify", "K1"); h.body != want {
				t.Errorf("%d bytes: the next ask hears %.60q", n, h.body)
			}
			if h := w.call("verify", "K1"); h.body != "again" {
				t.Errorf("%d bytes: the third ask hears %.60q", n, h.body)
			}
		})
	}
}

// masking is a relayed provider with a list that is masked.
type masking struct {
	*relayBank
	masked int
}

func (*masking) Lists(c payment.RelayCall) bool { return c.Path == "list" }

func (m *masking) Mask(r payment.RelayReply, unheard []*payment.Record) payment.RelayReply {
	m.masked = len(unheard)
	return r
}

// A list is made to agree with what the shop has heard for so many of the newest payments.
func TestMaskedPaymentsAreBounded(t *testing.T) {
	t.Parallel()
	const most = 1000
	w := newRelayWorld(t, rarely)
	defer w.halt()
	gate := &masking{relayBank: w.gate}
	e, err := engine.New(t.Context(), engine.Config{
		Store: w.store, Sites: w.sites, Observer: w.events, Seal: seal{}, Tick: time.Hour,
		Providers: map[string]engine.Provider{"zarinpal": {Provider: gate, Timeout: 8 * time.Second}},
	})
	if err != nil {
		t.Fatal(err)
	}
	begun, put := time.Now().Add(-time.Hour), 0
	for _, n := range []int{0, 1, most - 1, most, most + 1, most + 200} {
		for ; put < n; put++ {
			r := &payment.Record{
				Ref: payment.NewRef("shop", "i", fmt.Sprint(put), ""), State: payment.Verified, ID: fmt.Sprint("K", put), Issuer: "zarinpal|x|live", Provider: "zarinpal", Site: "shop",
				CreatedAt: begun.Add(time.Duration(put) * time.Millisecond), UpdatedAt: begun, Relay: new(payment.Relayed), Receipt: new(payment.Receipt),
			}
			if err := w.store.Commit(t.Context(), payment.Change{Record: r}); err != nil {
				t.Fatal(err)
			}
		}
		gate.masked = 0
		c := engine.Relay{Provider: "zarinpal", Call: payment.RelayCall{Path: "list"}, Ask: payment.RelayAsk{Kind: payment.RelayHarmless}, Say: func(payment.RelayReply) bool { return true }, Break: func() {}}
		e.RelayForward(context.Background(), c)
		if gate.masked != min(n, most) {
			t.Errorf("%d unheard: %d are masked", n, gate.masked)
		}
	}
}
