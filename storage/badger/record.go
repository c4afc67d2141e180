package badger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	bdb "github.com/dgraph-io/badger/v4"

	"github.com/rahgir/caddy-payments/payment"
)

// Get implements [payment.Store].
func (s *Store) Get(ctx context.Context, ref payment.Ref) (*payment.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	k, ok := packRef(ref)
	if !ok {
		return nil, payment.ErrNotFound
	}
	var e *entry
	err := s.view(func(txn *bdb.Txn) (err error) {
		e, err = loadEntry(txn, ref, k)
		return err
	}, recordKey(k))
	if err != nil {
		return nil, err
	}
	return e.rec, nil
}

// loadEntry decodes a record in place, without copying it first.
func loadEntry(txn *bdb.Txn, ref payment.Ref, k refKey) (e *entry, err error) {
	item, err := txn.Get(recordKey(k))
	if errors.Is(err, bdb.ErrKeyNotFound) {
		return nil, payment.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("reading record %s: %w", ref, err)
	}
	err = item.Value(func(b []byte) error {
		e, err = decodeEntry(ref, b)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading record %s: %w", ref, err)
	}
	return e, nil
}

// Holder implements [payment.Store].
func (s *Store) Holder(ctx context.Context, k payment.Key) (payment.Ref, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	var v []byte
	uk := uniqueKey(k)
	err := s.view(func(txn *bdb.Txn) (err error) {
		v, err = getCopy(txn, uk)
		return err
	}, uk)
	switch {
	case err != nil:
		return "", err
	case v == nil:
		return "", payment.ErrNotFound
	case len(v) == 0:
		return "", nil
	}
	return unpackRef(v), nil
}

// Commit implements [payment.Store].
func (s *Store) Commit(ctx context.Context, c payment.Change) error {
	if c.Record == nil {
		return errors.New("a change without a record")
	}
	k, ok := packRef(c.Record.Ref)
	if !ok {
		return fmt.Errorf("committing: %w", payment.ErrRef)
	}
	next := c.Record.Version + 1
	body, err := encodeBody(c.Record, next)
	if err != nil {
		return fmt.Errorf("committing %s: %w", c.Record.Ref, err)
	}
	// The writer may still read the record of a lazy change when its caller has
	// gone on, so it gets one of its own.
	rec := c.Record.Clone()
	rec.Version = next
	ch := &change{ctx: ctx, grows: next == 1, lazy: c.Lazy, due: orderTime(rec.Due)}
	ch.stage = func(get getter) ([]write, error) { return stageCommit(get, k, rec, body, c.Take) }
	if next == 1 {
		ch.settled = func() { s.records.Add(1) }
	}
	if err := s.submit(ch); err != nil {
		return err
	}
	c.Record.Version = next
	return nil
}

func stageCommit(get getter, k refKey, rec *payment.Record, body []byte, take []payment.Key) ([]write, error) {
	old, err := stagedEntry(get, rec.Ref, k)
	if err != nil {
		return nil, err
	}
	var had uint64
	e := &entry{rec: rec, money: moneyBehind(rec)}
	if old != nil {
		had = old.rec.Version
		e.money = e.money || old.money
		e.intents = old.intents
		e.receipt = old.receipt && old.rec.Issuer == rec.Issuer && old.rec.ID == rec.ID
	}
	if had != rec.Version-1 {
		return nil, payment.ErrConflict
	}
	var ws []write
	for _, key := range take {
		uk := uniqueKey(key)
		holder, err := get(uk)
		switch {
		case err != nil:
			return nil, err
		case holder == nil:
			ws = append(ws, write{key: uk, value: k[:]})
		case len(holder) == 0:
			return nil, &payment.TakenError{Key: key}
		case !bytes.Equal(holder, k[:]):
			return nil, &payment.TakenError{Key: key, Holder: unpackRef(holder)}
		}
		if key.Kind != payment.KeyIntent {
			e.money = true
		} else if !slices.ContainsFunc(e.intents, func(h []byte) bool { return bytes.Equal(h, uk[1:]) }) {
			e.intents = append(slices.Clone(e.intents), uk[1:])
		}
	}
	if !e.receipt && slices.Contains(take, payment.ReceiptKey(rec.Issuer, rec.ID)) {
		e.receipt = true
		known, err := get(issuerKey(rec.Issuer))
		if err != nil {
			return nil, err
		}
		if known == nil {
			ws = append(ws, write{key: issuerKey(rec.Issuer), value: []byte{}})
		}
	}
	ws = append(ws, write{key: recordKey(k), value: e.encode(body)})
	return append(ws, indexChanges(k, old, e)...), nil
}

// moneyBehind reports whether a record shows by itself that there is, or was,
// money behind it.
func moneyBehind(r *payment.Record) bool {
	return r.State.Captured() || r.State == payment.Reversed || r.State == payment.Review || r.Receipt != nil
}

func stagedEntry(get getter, ref payment.Ref, k refKey) (*entry, error) {
	b, err := get(recordKey(k))
	if err != nil || b == nil {
		return nil, err
	}
	return decodeEntry(ref, b)
}

// Forget implements [payment.Store].
func (s *Store) Forget(ctx context.Context, ref payment.Ref, version uint64) error {
	k, ok := packRef(ref)
	if !ok {
		return payment.ErrConflict
	}
	return s.submit(&change{ctx: ctx,
		stage:   func(get getter) ([]write, error) { return stageForget(get, k, ref, version) },
		settled: func() { s.records.Add(-1) },
	})
}

func stageForget(get getter, k refKey, ref payment.Ref, version uint64) ([]write, error) {
	old, err := stagedEntry(get, ref, k)
	if err != nil {
		return nil, err
	}
	if old == nil || old.rec.Version != version || old.money ||
		(old.rec.State != payment.Declined && old.rec.State != payment.Expired) {
		return nil, payment.ErrConflict
	}
	ws := []write{{key: recordKey(k), del: true}}
	for _, h := range old.intents {
		ws = append(ws, write{key: append([]byte{tableUnique}, h...), del: true})
	}
	return append(ws, indexChanges(k, old, nil)...), nil
}

// Reserve implements [payment.Store]. An import may be of hundreds of thousands
// of ids, so it is cut into changes that leave room for payments in between;
// keys that were taken stay so if a later part fails.
func (s *Store) Reserve(ctx context.Context, keys []payment.Key) (int, error) {
	total := 0
	for part := range slices.Chunk(keys, 500) {
		fresh := 0
		err := s.submit(&change{ctx: ctx, grows: true, stage: func(get getter) ([]write, error) {
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
				ws = append(ws, write{key: uk, value: []byte{}})
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
