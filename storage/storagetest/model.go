package storagetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rahgir/caddy-payments/payment"
)

// model is the contract in a few maps.
type model struct {
	recs  map[payment.Ref]*payment.Record
	money map[payment.Ref]bool
	keys  map[payment.Key]payment.Ref // "" is reserved
	steps int
}

func testModel(t *testing.T, h Harness) {
	s := h.Open(t)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++ // one store for all rounds: their records don't meet
		prefix := "round-" + itoa(round) + "-"
		m := &model{recs: map[payment.Ref]*payment.Record{}, money: map[payment.Ref]bool{},
			keys: map[payment.Key]payment.Ref{}}
		name := func(label string) string { return prefix + itoa(rapid.IntRange(0, 5).Draw(rt, label)) }
		key := func() payment.Key {
			kind := rapid.SampledFrom([]payment.KeyKind{payment.KeyReceipt, payment.KeyNumber, payment.KeyOrder, payment.KeySold, payment.KeyIntent, payment.KeyIntent}).Draw(rt, "kind")
			return payment.Key{Kind: kind, Parts: [3]string{prefix, name("key")}}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"": func(rt *rapid.T) { m.check(rt, s, prefix) },
			"commit": func(rt *rapid.T) {
				n := name("record")
				ref := payment.NewRef(prefix, "", n, "")
				r := &payment.Record{Ref: ref, CreatedAt: base}
				if old := m.recs[ref]; old != nil && rapid.IntRange(0, 9).Draw(rt, "stale") > 0 {
					r = old.Clone()
				}
				r.Site, r.ID, r.Order = prefix, n, name("order")
				r.State = rapid.SampledFrom(payment.States()).Draw(rt, "state")
				r.Due = rapid.SampledFrom([]time.Time{{}, base, base.Add(time.Minute), base.Add(-time.Minute)}).Draw(rt, "due")
				r.Receipt = rapid.SampledFrom([]*payment.Receipt{nil, nil, nil, {Amount: 5}}).Draw(rt, "receipt")
				r.Reports = rapid.SampledFrom([][]payment.Report{nil, {{State: payment.OpenReport, Kind: payment.ReportSale}}, {{State: payment.ParkedReport, Kind: payment.ReportSale}}}).Draw(rt, "report")
				take := rapid.SliceOfN(rapid.Custom(func(*rapid.T) payment.Key { return key() }), 0, 3).Draw(rt, "take")
				m.commit(rt, s, payment.Change{Record: r.Clone(), Take: take, Lazy: rapid.Bool().Draw(rt, "lazy")})
			},
			"forget": func(rt *rapid.T) {
				ref := payment.NewRef(prefix, "", name("record"), "")
				m.forget(rt, s, ref, uint64(rapid.IntRange(-1, 0).Draw(rt, "stale")))
			},
			"reserve": func(rt *rapid.T) {
				keys := rapid.SliceOfN(rapid.Custom(func(*rapid.T) payment.Key { return key() }), 0, 3).Draw(rt, "keys")
				want := 0
				for _, k := range keys {
					if _, ok := m.keys[k]; !ok {
						m.keys[k] = ""
						want++
					}
				}
				if n, err := s.Reserve(ctx, keys); err != nil || n != want {
					rt.Fatalf("reserve: %d, %v; want %d", n, err, want)
				}
			},
			"reopen": func(rt *rapid.T) {
				if rapid.IntRange(0, 19).Draw(rt, "really") == 0 {
					s = h.Reopen(t, s)
				}
			},
		})
		m.clear(rt, s)
	})
}

func (m *model) commit(t *rapid.T, s payment.Store, c payment.Change) {
	old := m.recs[c.Record.Ref]
	var had uint64
	if old != nil {
		had = old.Version
	}
	var want error
	if had != c.Record.Version {
		want = payment.ErrConflict
	}
	var taken payment.Key
	for _, k := range c.Take {
		if holder, ok := m.keys[k]; ok && holder != c.Record.Ref && want == nil {
			want, taken = &payment.TakenError{Key: k, Holder: holder}, k
		}
	}
	err := s.Commit(ctx, c)
	if want != nil {
		var te *payment.TakenError
		if errors.As(want, &te) {
			var got *payment.TakenError
			if !errors.As(err, &got) || got.Key != taken || got.Holder != te.Holder {
				t.Fatalf("commit: %v, want %v", err, want)
			}
		} else if !errors.Is(err, want) {
			t.Fatalf("commit: %v, want %v", err, want)
		}
		return
	}
	if err != nil {
		t.Fatalf("commit: %v", err)
	}
	if c.Record.Version != had+1 {
		t.Fatalf("version %d after %d", c.Record.Version, had)
	}
	r := c.Record.Clone()
	m.recs[r.Ref] = r
	if r.State.Captured() || r.State == payment.Reversed || r.State == payment.Review || r.Receipt != nil {
		m.money[r.Ref] = true
	}
	for _, k := range c.Take {
		m.keys[k] = r.Ref
		if k.Kind != payment.KeyIntent {
			m.money[r.Ref] = true
		}
	}
}

func (m *model) forget(t *rapid.T, s payment.Store, ref payment.Ref, add uint64) {
	old := m.recs[ref]
	version := add
	if old != nil {
		version += old.Version
	}
	ok := old != nil && add == 0 && !m.money[ref] && (old.State == payment.Declined || old.State == payment.Expired)
	err := s.Forget(ctx, ref, version)
	if !ok {
		if !errors.Is(err, payment.ErrConflict) {
			t.Fatalf("forget: %v, want a conflict", err)
		}
		return
	}
	if err != nil {
		t.Fatalf("forget: %v", err)
	}
	delete(m.recs, ref)
	for k, holder := range m.keys {
		if holder == ref {
			delete(m.keys, k)
		}
	}
}

// check compares everything that can be seen with the model.
func (m *model) check(t *rapid.T, s payment.Store, site string) {
	for ref, want := range m.recs {
		got, err := s.Get(ctx, ref)
		if err != nil {
			t.Fatalf("get: %v", err)
		}
		if d := Diff(got, want); d != "" {
			t.Fatalf("get: %s", d)
		}
	}
	for k, want := range m.keys {
		if got, err := s.Holder(ctx, k); err != nil || got != want {
			t.Fatalf("holder: %q, %v; want %q", got, err, want)
		}
	}
	due, err := s.Due(ctx, base, 1000)
	if err != nil {
		t.Fatalf("due: %v", err)
	}
	var late, now int
	for _, r := range m.recs {
		if r.Due.Equal(base) {
			now++
		} else if !r.Due.IsZero() && r.Due.Before(base) {
			late++
		}
	}
	if len(due) != late+now {
		t.Fatalf("%d due, want %d", len(due), late+now)
	}
	for i, ref := range due {
		if r := m.recs[ref]; r == nil || r.Due.Before(base) != (i < late) {
			t.Fatalf("place %d of what is due is wrong", i)
		}
	}
	if m.steps++; m.steps%6 != 0 {
		return // listings see the records of all rounds: they are what takes time
	}
	for _, q := range []payment.Listing{
		{Site: site}, {States: []payment.State{payment.Review, payment.Parked}},
		{Conversion: payment.ParkedReport}, {Order: site + "1"}, {ID: site + "2"},
	} {
		q.Limit, q.Site = 3, site
		var want []payment.Ref
		for _, r := range m.recs {
			if (len(q.States) == 0 || slices.Contains(q.States, r.State)) && (q.Order == "" || q.Order == r.Order) &&
				(q.ID == "" || q.ID == r.ID) && (q.Conversion == "" || r.ConversionState() == q.Conversion) {
				want = append(want, r.Ref)
			}
		}
		got := refs(all(t, s, q))
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("%+v: %d records, want %d", q, len(got), len(want))
		}
	}
}

// clear takes this round's work out of the due index, which all rounds share.
func (m *model) clear(t *rapid.T, s payment.Store) {
	for _, r := range m.recs {
		if r.Due.IsZero() {
			continue
		}
		r.Due = time.Time{}
		if err := s.Commit(ctx, payment.Change{Record: r}); err != nil {
			t.Fatalf("commit: %v", err)
		}
	}
}
