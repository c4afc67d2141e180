package engine_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// crossed changes the record just before so many commits that begin or settle a refund.
type crossed struct {
	*memory.Store
	left int
}

func (s *crossed) Commit(ctx context.Context, c payment.Change) error {
	if s.left > 0 && len(c.Record.Refunds) > 0 {
		s.left--
		other, err := s.Get(ctx, c.Record.Ref)
		if err != nil {
			return err
		}
		other.Code = fmt.Sprint(s.left)
		if err := s.Store.Commit(ctx, payment.Change{Record: other}); err != nil {
			return err
		}
	}
	return s.Store.Commit(ctx, c)
}

// A person's wish without a version doesn't fail because one of our notes was written at the
// same moment. With a version it is strict.
func TestRefundBesideOtherNotes(t *testing.T) {
	for _, c := range []struct {
		crossed int
		strict  bool
		well    bool
	}{{0, false, true}, {1, false, true}, {2, false, true}, {1000, false, false}, {0, true, true}, {1, true, false}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			store := &crossed{Store: memory.New(nil)}
			g := &giving{bank: &bank{t: t, store: store.Store, traits: idpayTraits}, answer: gave(payment.GiveBackUnknown)}
			e, err := engine.New(t.Context(), engine.Config{
				Store: store, Sites: &shop{}, Observer: &events{}, Providers: map[string]engine.Provider{"idpay": {Provider: g}},
			})
			if err != nil {
				t.Fatal(err)
			}
			rec := &payment.Record{
				Ref: payment.NewRef("shop", g.traits.Issuer, "K1", "101"), Site: "shop", Provider: "idpay", Issuer: g.traits.Issuer, Environment: "live",
				ID: "K1", Order: "101", State: payment.Delivered, Expect: payment.Expectation{Amount: 50_000, Source: payment.FromIntent},
				Receipt: &payment.Receipt{ID: "K1", Order: "101", Amount: 50_000},
			}
			if err := store.Commit(t.Context(), payment.Change{Record: rec, Take: rec.Keys(false)}); err != nil {
				t.Fatal(err)
			}
			version := func() uint64 {
				if now, err := store.Get(t.Context(), rec.Ref); err == nil && c.strict {
					return now.Version
				}
				return 0
			}
			ends := func(what string, err error, done int) {
				t.Helper()
				if c.well != (err == nil) || err != nil && !errors.Is(err, payment.ErrConflict) || g.count() != done {
					t.Errorf("%s: %v, asked %d times", what, err, g.count())
				}
			}
			asked := 0
			if c.well {
				asked = 1
			}
			store.left = c.crossed
			_, err = e.GiveBack(t.Context(), rec.Ref, engine.GiveBack{Kind: payment.KindRefund, Version: version()})
			ends("refund", err, asked)
			if !c.well {
				return
			}
			store.left = c.crossed
			_, err = e.SettleRefund(t.Context(), rec.Ref, version(), true, "sara", "panel")
			ends("--was", err, asked)
		})
	}
}
