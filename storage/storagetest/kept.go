package storagetest

import (
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// Kept ledgers are those that released versions wrote, as files of the stores' tests. A file
// is never written again: each later version must open it and know all that is in it. They
// hold the first payments of [Mixed], what waits for somebody, a track and a secret.
const keptPayments = 24

// Kept returns the payments of a kept ledger.
func Kept() (all []*payment.Record) {
	for i := range keptPayments {
		r := Mixed(i)
		switch i {
		case 6:
			r.State, r.Reason, r.Reports = payment.Review, payment.ReasonAmount, nil
		case 7:
			r.State, r.Reason = payment.Parked, payment.ReasonNoProof
		case 8:
			r.State, r.Due = payment.Verifying, r.CreatedAt.Add(time.Minute)
			r.Receipt, r.Reports, r.Delivery = nil, nil, payment.Delivery{}
		}
		all = append(all, r)
	}
	return all
}

const keptVisitor, keptSecret = "visitor-of-a-kept-ledger", "kept"

func keptTrack() payment.Track {
	return payment.Track{ID: "064ee72930404724974761b0b41e9e49", Affiliate: "hamekar", Landing: "/product-2", At: base}
}

// FillKept writes into an empty store what [CheckKept] looks for.
func FillKept(t testing.TB, s payment.Store) {
	t.Helper()
	for _, r := range Kept() {
		var take []payment.Key
		if r.Receipt != nil {
			take = r.Keys(false)
		}
		put(t, s, r, take...)
	}
	if err := s.PutTrack(ctx, keptVisitor, keptTrack(), keptUntil()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Secret(ctx, keptSecret, func() ([]byte, error) { return []byte(keptVisitor), nil }); err != nil {
		t.Fatal(err)
	}
}

// keptUntil is when the track of a kept ledger expires.
func keptUntil() time.Time { return time.Date(2126, 1, 1, 0, 0, 0, 0, time.UTC) }

// CheckKept fails the test unless a store that was opened on a kept ledger knows all that
// [FillKept] wrote: every record, every key, every way of finding it.
func CheckKept(t testing.TB, s payment.Store) {
	t.Helper()
	waiting, under := 0, 0
	for _, want := range Kept() {
		got := get(t, s, want.Ref)
		want.Version, want.Mark = got.Version, got.Mark
		if d := Diff(got, want); d != "" {
			t.Errorf("%s is not as it was written: %s", want.Ref, d)
		}
		if got.Version != 1 {
			t.Errorf("%s has version %d", want.Ref, got.Version)
		}
		if want.Waits() {
			waiting++
		}
		if want.State == payment.Verifying {
			under++
		}
		looks := map[string]payment.Listing{
			"order": {Order: want.Order}, "id": {ID: want.ID},
			"a search by its order": {Search: []payment.Term{payment.NewTerm(payment.FieldOrder, want.Order)}},
		}
		if want.Receipt != nil {
			looks["bank reference"] = payment.Listing{Search: []payment.Term{payment.NewTerm(payment.FieldReference, want.Receipt.Reference)}}
			for _, k := range want.Keys(false) {
				if holder, err := s.Holder(ctx, k); err != nil || holder != want.Ref {
					t.Errorf("%s %s is held by %q, %v", want.Ref, k.Kind, holder, err)
				}
			}
		}
		for what, q := range looks {
			if found := all(t, s, q); len(found) != 1 || found[0].Ref != want.Ref {
				t.Errorf("%s by its %s: %d payments", want.Ref, what, len(found))
			}
		}
	}
	if found := all(t, s, payment.Listing{Limit: 7}); len(found) != keptPayments {
		t.Errorf("%d payments, want %d", len(found), keptPayments)
	}
	if found := all(t, s, payment.Listing{Waiting: true}); len(found) != waiting {
		t.Errorf("%d payments wait, want %d", len(found), waiting)
	}
	if found := all(t, s, payment.Listing{States: []payment.State{payment.Verifying, payment.Delivering}}); len(found) != under {
		t.Errorf("%d payments are under way, want %d", len(found), under)
	}
	if refs, err := s.Due(ctx, base.AddDate(1, 0, 0), 10); err != nil || len(refs) != under {
		t.Errorf("%d payments are due, want %d: %v", len(refs), under, err)
	}
	if tr, err := s.Track(ctx, keptVisitor); err != nil || tr != keptTrack() {
		t.Errorf("the track: %+v, %v", tr, err)
	}
	mint := func() ([]byte, error) { return nil, payment.ErrNotFound }
	if secret, err := s.Secret(ctx, keptSecret, mint); err != nil || string(secret) != keptVisitor {
		t.Errorf("the secret is lost: %v", err)
	}
	// A change is written in this version's form, and read again.
	r := get(t, s, Kept()[8].Ref)
	r.State, r.Due = payment.Expired, time.Time{}
	put(t, s, r)
	if r = get(t, s, r.Ref); r.State != payment.Expired || r.Version != 2 {
		t.Errorf("changed: %+v", r)
	}
}
