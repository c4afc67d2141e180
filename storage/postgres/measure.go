package postgres

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rahgir/caddy-payments/storage"
)

// sqlSize is what PostgreSQL knows of the size of tables; others may not know it.
const sqlSize = `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
WHERE c.relkind = 'r' AND c.relname LIKE 'payments\_%' AND pg_table_is_visible(c.oid)`

// Measure implements [storage.Measurer]. How much room the database has is not
// known here.
func (s *Store) Measure(ctx context.Context) (storage.Measure, error) {
	m := storage.Measure{Bytes: -1, Room: -1, Nodes: max(1, s.nodes.count())}
	err := s.read(ctx, "measuring the ledger", func(ctx context.Context, c *pgxpool.Conn) error {
		return c.QueryRow(ctx, sqlSize).Scan(&m.Bytes)
	})
	if err != nil {
		m.Bytes = -1
	}
	return m, nil
}

// count returns how many nodes work, as the last beat found them.
func (n *nodes) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.working
}

// Interface guard.
var _ storage.Measurer = (*Store)(nil)
