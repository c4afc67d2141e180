package payment

import (
	"context"
	"errors"
)

// Looker is a Store that answers all that is asked of a return in one trip. What
// it answers is of one moment, and no older than the question.
type Looker interface {
	// Look returns the record, nil if there is none, and who holds each key.
	Look(ctx context.Context, ref Ref, keys ...Key) (*Record, []Held, error)
}

// Held is who holds a key.
type Held struct {
	// Ref is the holder; empty where the key was reserved without a record.
	Ref Ref
	// Found: the key is held, or reserved.
	Found bool
}

// Look asks a store for a record and for the holders of keys, in one trip where
// it can.
func Look(ctx context.Context, s Store, ref Ref, keys ...Key) (*Record, []Held, error) {
	if l, ok := s.(Looker); ok {
		return l.Look(ctx, ref, keys...)
	}
	held := make([]Held, len(keys))
	for i, k := range keys {
		holder, err := s.Holder(ctx, k)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, nil, err
		}
		held[i] = Held{holder, err == nil}
	}
	rec, err := s.Get(ctx, ref)
	if errors.Is(err, ErrNotFound) {
		return nil, held, nil
	}
	return rec, held, err
}
