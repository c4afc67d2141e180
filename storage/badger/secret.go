package badger

import (
	"context"
	"errors"
	"fmt"
)

// Secret implements [payment.Store].
func (s *Store) Secret(ctx context.Context, name string, mint func() ([]byte, error)) ([]byte, error) {
	v, err := s.value(ctx, secretKey(name))
	if err != nil || v != nil {
		return v, err
	}
	// Minting is the caller's code: it runs here, not in the writer, and once.
	if err := s.minting.take(ctx); err != nil {
		return nil, err
	}
	defer s.minting.give()
	if v, err = s.value(ctx, secretKey(name)); err != nil || v != nil {
		return v, err
	}
	made, err := mint()
	if err != nil {
		return nil, fmt.Errorf("minting the secret %s: %w", name, err)
	}
	if len(made) == 0 {
		return nil, errors.New("minting the secret " + name + ": it is empty")
	}
	err = s.queue.Submit(&change{Ctx: ctx, Stage: func(get getter) ([]write, error) {
		var err error
		if v, err = get(secretKey(name)); err != nil || v != nil {
			return nil, err
		}
		v = append([]byte(nil), made...)
		return []write{{Key: secretKey(name), Value: made}}, nil
	}})
	if err != nil {
		return nil, err
	}
	return v, nil
}
