package badger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	bdb "github.com/dgraph-io/badger/v4"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// Get implements [payment.Store].
func (s *Store) Get(ctx context.Context, ref payment.Ref) (*payment.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	k, ok := ref.Bytes()
	if !ok {
		return nil, payment.ErrNotFound
	}
	var e *packed.Entry
	err := s.view(ctx, func(txn *bdb.Txn) (err error) {
		e, err = loadEntry(txn, ref, k)
		return err
	}, recordKey(k))
	if err != nil {
		return nil, err
	}
	return e.Rec, nil
}

// loadEntry decodes a record in place, without copying it first.
func loadEntry(txn *bdb.Txn, ref payment.Ref, k refKey) (e *packed.Entry, err error) {
	item, err := txn.Get(recordKey(k))
	if errors.Is(err, bdb.ErrKeyNotFound) {
		return nil, payment.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("reading record %s: %w", ref, err)
	}
	err = item.Value(func(b []byte) error {
		e, err = packed.Decode(ref, b)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading record %s: %w", ref, err)
	}
	return e, nil
}

// Holder implements [payment.Store].
func (s *Store) Holder(ctx context.Context, k payment.Key) (payment.Ref, error) {
	v, err := s.value(ctx, uniqueKey(k))
	if err != nil {
		return "", err
	}
	h := held(v)
	if !h.Found {
		return "", payment.ErrNotFound
	}
	return h.Ref, nil
}

// held decodes the value of a uniqueness key.
func held(v []byte) payment.Held {
	h := payment.Held{Found: v != nil}
	if len(v) > 0 {
		h.Ref = payment.RefOf(v)
	}
	return h
}

// Look implements [payment.Looker].
func (s *Store) Look(ctx context.Context, refs []payment.Ref, keys ...payment.Key) ([]*payment.Record, []payment.Held, error) {
	all := make([]payment.Held, len(keys))
	touched := make([][]byte, len(keys), len(keys)+len(refs))
	for i, k := range keys {
		touched[i] = uniqueKey(k)
	}
	stored := touched[:len(keys)]
	for _, ref := range refs {
		if k, ok := ref.Bytes(); ok {
			touched = append(touched, recordKey(k))
		}
	}
	recs := make([]*payment.Record, len(refs))
	err := s.view(ctx, func(txn *bdb.Txn) error {
		for i, uk := range stored {
			v, err := getCopy(txn, uk)
			if err != nil {
				return err
			}
			all[i] = held(v)
		}
		for i, ref := range refs {
			k, ok := ref.Bytes()
			if !ok {
				continue
			}
			e, err := loadEntry(txn, ref, k)
			switch {
			case err == nil:
				recs[i] = e.Rec
			case !errors.Is(err, payment.ErrNotFound):
				return err
			}
		}
		return nil
	}, touched...)
	if err != nil {
		return nil, nil, err
	}
	return recs, all, nil
}

// Commit implements [payment.Store].
func (s *Store) Commit(ctx context.Context, c payment.Change) error {
	if c.Record == nil {
		return errors.New("a change without a record")
	}
	k, ok := c.Record.Ref.Bytes()
	if !ok {
		return fmt.Errorf("committing: %w", payment.ErrRef)
	}
	next := c.Record.Version + 1
	body, err := packed.Body(c.Record, next)
	if err != nil {
		return fmt.Errorf("committing %s: %w", c.Record.Ref, err)
	}
	// The writer may still read the change after its caller has left, so it gets a
	// copy.
	rec := c.Record.Clone()
	rec.Version = next
	take := slices.Clone(c.Take)
	ch := &change{Ctx: ctx, Grows: next == 1, Lazy: c.Lazy}
	if due := packed.Time(rec.Earliest()); due != 0 {
		ch.Recorded = func() { s.due.begin(due) }
	}
	var now *listed
	ch.Stage = func(get getter) ([]write, error) {
		ws, l, err := stageCommit(get, s.recent.entry(k), k, rec, body, take)
		s.sieving.wrote(ws)
		now = l
		return ws, err
	}
	ch.Settled = func() {
		s.recent.settled(k, now, len(body))
		if next == 1 {
			s.counts.records.Add(1)
		}
	}
	if err := s.queue.Submit(ch); err != nil {
		return err
	}
	c.Record.Version = next
	return nil
}

// stageCommit says what a change writes, and how the record is listed then. old is the
// record as it is now; nil if that is to be read.
func stageCommit(get getter, old *listed, k refKey, rec *payment.Record, body []byte, take []payment.Key) ([]write, *listed, error) {
	if old == nil {
		read, err := stagedEntry(get, rec.Ref, k)
		if err != nil {
			return nil, nil, err
		}
		old = unlisted(read)
	}
	var had uint64
	e := &packed.Entry{Rec: rec, Money: packed.Money(rec)}
	if old != nil {
		had = old.Rec.Version
		e.Money = e.Money || old.Money
		e.Intents = old.Intents
		e.Receipt = old.Receipt && old.Rec.Issuer == rec.Issuer && old.Rec.ID == rec.ID
	}
	if had != rec.Version-1 {
		return nil, nil, payment.ErrConflict
	}
	var ws []write
	for _, key := range take {
		uk := uniqueKey(key)
		holder, err := get(uk)
		switch {
		case err != nil:
			return nil, nil, err
		case holder == nil:
			ws = append(ws, write{Key: uk, Value: k[:]})
		case len(holder) == 0:
			return nil, nil, &payment.TakenError{Key: key}
		case !bytes.Equal(holder, k[:]):
			return nil, nil, &payment.TakenError{Key: key, Holder: payment.RefOf(holder)}
		}
		if key.Kind != payment.KeyIntent {
			e.Money = true
		} else if !slices.ContainsFunc(e.Intents, func(h []byte) bool { return bytes.Equal(h, uk[1:]) }) {
			e.Intents = append(slices.Clone(e.Intents), uk[1:])
		}
	}
	if !e.Receipt && slices.Contains(take, payment.ReceiptKey(rec.Issuer, rec.ID)) {
		e.Receipt = true
		known, err := get(issuerKey(rec.Issuer))
		if err != nil {
			return nil, nil, err
		}
		if known == nil {
			ws = append(ws, write{Key: issuerKey(rec.Issuer), Value: []byte{}})
		}
	}
	ws = append(ws, write{Key: recordKey(k), Value: e.Encode(body)})
	more, now, err := indexChanges(get, k, old, e)
	return append(ws, more...), now, err
}

func stagedEntry(get getter, ref payment.Ref, k refKey) (*packed.Entry, error) {
	b, err := get(recordKey(k))
	if err != nil || b == nil {
		return nil, err
	}
	return packed.Decode(ref, b)
}

// Forget implements [payment.Store].
func (s *Store) Forget(ctx context.Context, ref payment.Ref, version uint64) error {
	k, ok := ref.Bytes()
	if !ok {
		return payment.ErrConflict
	}
	return s.queue.Submit(&change{Ctx: ctx,
		Stage: func(get getter) ([]write, error) { return stageForget(get, k, ref, version) },
		Settled: func() {
			s.recent.forget(recordKey(k)) // a commit in the same batch has put it back
			s.counts.records.Add(-1)
		},
	})
}

func stageForget(get getter, k refKey, ref payment.Ref, version uint64) ([]write, error) {
	old, err := stagedEntry(get, ref, k)
	if err != nil {
		return nil, err
	}
	if old == nil || old.Rec.Version != version || old.Money ||
		(old.Rec.State != payment.Declined && old.Rec.State != payment.Expired) {
		return nil, payment.ErrConflict
	}
	ws := []write{{Key: recordKey(k), Del: true}}
	for _, h := range old.Intents {
		ws = append(ws, write{Key: append([]byte{tableUnique}, h...), Del: true})
	}
	return withIndex(get, ws, k, old, nil)
}

func withIndex(get getter, ws []write, k refKey, before, after *packed.Entry) ([]write, error) {
	more, _, err := indexChanges(get, k, unlisted(before), after)
	return append(ws, more...), err
}

// Reserve implements [payment.Store]. An import may have hundreds of thousands of ids,
// so it is split into changes, between which payments are written. Keys that were
// taken stay taken if a later part fails.
func (s *Store) Reserve(ctx context.Context, keys []payment.Key) (int, error) {
	total := 0
	for part := range slices.Chunk(slices.Clone(keys), 500) {
		fresh := 0
		err := s.queue.Submit(&change{Ctx: ctx, Grows: true, Stage: func(get getter) ([]write, error) {
			fresh = 0
			seen := make(map[string]bool, len(part))
			var ws []write
			for _, key := range part {
				uk := uniqueKey(key)
				v, err := get(uk)
				if err != nil {
					return nil, err
				}
				if v != nil || seen[string(uk)] {
					continue
				}
				seen[string(uk)] = true
				ws = append(ws, write{Key: uk, Value: []byte{}})
				fresh++
			}
			return ws, nil
		}})
		if err != nil {
			return total, err
		}
		total += fresh
	}
	return total, nil
}
