package payment

import (
	"context"
	"errors"
)

// Looker is a Store that reads several records and keys in one round trip. The answer
// shows one moment, which is not before the question.
type Looker interface {
	// Look returns each record, nil if there is none, and who holds each key.
	Look(ctx context.Context, refs []Ref, keys ...Key) ([]*Record, []Held, error)
}

// Held says who holds a key.
type Held struct {
	// Ref is the holder; empty if the key was reserved without a record.
	Ref Ref
	// Found: the key is held, or reserved.
	Found bool
}

// Look asks a store for a record and for the holders of keys, in one round trip if the
// store is a [Looker]. The record is nil if there is none.
func Look(ctx context.Context, s Store, ref Ref, keys ...Key) (*Record, []Held, error) {
	recs, held, err := LookAll(ctx, s, []Ref{ref}, keys...)
	if err != nil {
		return nil, nil, err
	}
	return recs[0], held, nil
}

// Holders asks a store who holds keys, in one round trip if the store is a [Looker].
func Holders(ctx context.Context, s Store, keys ...Key) ([]Held, error) {
	_, held, err := LookAll(ctx, s, nil, keys...)
	return held, err
}

// LookAll is Look for several records.
func LookAll(ctx context.Context, s Store, refs []Ref, keys ...Key) ([]*Record, []Held, error) {
	if l, ok := s.(Looker); ok {
		return l.Look(ctx, refs, keys...)
	}
	held := make([]Held, len(keys))
	for i, k := range keys {
		holder, err := s.Holder(ctx, k)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, nil, err
		}
		held[i] = Held{holder, err == nil}
	}
	recs := make([]*Record, len(refs))
	for i, ref := range refs {
		rec, err := s.Get(ctx, ref)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, nil, err
		}
		if err == nil {
			recs[i] = rec
		}
	}
	return recs, held, nil
}
