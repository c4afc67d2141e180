package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

const (
	sqlDue = `SELECT ref FROM payments_records WHERE due IS NOT NULL AND due <= $1 ORDER BY due LIMIT $2`
	// Of what is due a node sees its own share first, and the others' only when
	// they had time to take it: so that several nodes don't all run for the same
	// payment. It is taken up by its version.
	sqlDueMine = `SELECT ref FROM payments_records WHERE due IS NOT NULL AND due <= $1 AND slot = ANY($3::smallint[])
ORDER BY due LIMIT $2`
	sqlDueOthers = `SELECT ref FROM payments_records WHERE due IS NOT NULL AND due <= $1 AND NOT slot = ANY($3::smallint[])
ORDER BY due LIMIT $2`
)

func (s *Store) dueNow(ctx context.Context, t time.Time, limit int) ([]payment.Ref, error) {
	if err := ctx.Err(); err != nil || limit <= 0 {
		return nil, err
	}
	until := packed.Time(t)
	mine, all := s.nodes.share()
	var refs []payment.Ref
	err := s.read(ctx, "looking for what is due", func(ctx context.Context, c *pgxpool.Conn) (err error) {
		if all {
			refs, err = dueRefs(ctx, c, sqlDue, int64(until), limit) //nolint:gosec // 63 bits
			return err
		}
		refs, err = dueRefs(ctx, c, sqlDueMine, int64(until), limit, mine) //nolint:gosec // 63 bits
		if err != nil || len(refs) == limit {
			return err
		}
		left := min(until, packed.Time(s.Now().Add(-s.cfg.yield)))
		more, err := dueRefs(ctx, c, sqlDueOthers, int64(left), limit-len(refs), mine) //nolint:gosec // 63 bits
		refs = append(refs, more...)
		return err
	})
	return refs, err
}

func dueRefs(ctx context.Context, c *pgxpool.Conn, sql string, args ...any) ([]payment.Ref, error) {
	rows, err := c.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var refs []payment.Ref
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			return nil, err
		}
		refs = append(refs, payment.RefOf(b))
	}
	return refs, rows.Err()
}
