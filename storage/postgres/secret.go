package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	sqlSecret     = `SELECT secret FROM payments_secrets WHERE name = $1`
	sqlMakeSecret = `INSERT INTO payments_secrets (name, secret) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING` //nolint:gosec // a statement, no secret
)

func (s *Store) secret(ctx context.Context, name string, mint func() ([]byte, error)) (secret []byte, err error) {
	read := func(ctx context.Context, c *pgxpool.Conn) error {
		err := c.QueryRow(ctx, sqlSecret, name).Scan(&secret)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	}
	if err := s.read(ctx, "reading a secret", read); err != nil || secret != nil {
		return secret, err
	}
	s.secrets.Lock()
	defer s.secrets.Unlock()
	if err := s.read(ctx, "reading a secret", read); err != nil || secret != nil {
		return secret, err
	}
	made, err := mint()
	if err != nil {
		return nil, fmt.Errorf("minting the secret %s: %w", name, err)
	}
	if len(made) == 0 {
		return nil, errors.New("minting the secret " + name + ": it is empty")
	}
	err = s.read(ctx, "keeping a secret", func(ctx context.Context, c *pgxpool.Conn) error {
		if _, err := c.Exec(ctx, sqlMakeSecret, name, made); err != nil {
			return err
		}
		return read(ctx, c)
	})
	return secret, err
}
