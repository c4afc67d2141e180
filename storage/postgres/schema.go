package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// The ledger's one row is also the lock under which tables are made and
// changed, and generations begun: it exists in every database that this module
// has ever opened, and a row lock is something that all servers have.
const (
	sqlMakeLedger = `CREATE TABLE IF NOT EXISTS payments_ledger (
	one    smallint PRIMARY KEY,
	format integer NOT NULL,
	id     text NOT NULL,
	seq    bigint NOT NULL,
	start  bigint NOT NULL,
	origin text NOT NULL,
	tracks bigint NOT NULL
)`
	sqlFirstRow = `INSERT INTO payments_ledger (one, format, id, seq, start, origin, tracks)
VALUES (1, 0, '', 0, 0, '', 0) ON CONFLICT (one) DO NOTHING`
	sqlLockLedger = `SELECT format, id, seq, start, origin FROM payments_ledger WHERE one = 1 FOR UPDATE`
	sqlSetFormat  = `UPDATE payments_ledger SET format = $1 WHERE one = 1`
	sqlSetLife    = `UPDATE payments_ledger SET id = $1, seq = $2, start = $3, origin = $4 WHERE one = 1`
)

// migrations bring the tables from one format to the next; their number is the
// format. Each statement can be repeated, because a node may die in between. A
// later version must leave the tables such that an older node can go on until
// it is replaced.
//
// Times are numbers: nanoseconds since 1970 of a record, which timestamps would
// round. Hashes stand in for texts of customers and shops, of which a database
// would refuse some, and which an index need not know.
func migrations() [][]string {
	return [][]string{{
		`CREATE TABLE IF NOT EXISTS payments_records (
	ref        bytea PRIMARY KEY,
	version    bigint NOT NULL,
	writer     bigint NOT NULL,
	state      text NOT NULL,
	money      boolean NOT NULL,
	created    bigint NOT NULL,
	due        bigint,
	slot       smallint NOT NULL,
	notice     integer,
	order_hash bigint,
	id_hash    bigint,
	body       bytea NOT NULL
)`,
		`CREATE INDEX IF NOT EXISTS payments_records_created ON payments_records (created, ref)`,
		`CREATE INDEX IF NOT EXISTS payments_records_due ON payments_records (due, slot, ref) WHERE due IS NOT NULL`,
		`CREATE INDEX IF NOT EXISTS payments_records_notice ON payments_records (created, ref, notice) WHERE notice IS NOT NULL`,
		`CREATE INDEX IF NOT EXISTS payments_records_order ON payments_records (order_hash, created, ref) WHERE order_hash IS NOT NULL`,
		`CREATE INDEX IF NOT EXISTS payments_records_id ON payments_records (id_hash, created, ref) WHERE id_hash IS NOT NULL`,
		`CREATE TABLE IF NOT EXISTS payments_keys (
	key    bytea PRIMARY KEY,
	ref    bytea,
	intent boolean NOT NULL
)`,
		`CREATE INDEX IF NOT EXISTS payments_keys_intent ON payments_keys (ref) WHERE intent`,
		`CREATE TABLE IF NOT EXISTS payments_tracks (
	visitor bytea PRIMARY KEY,
	expires bigint NOT NULL,
	body    bytea NOT NULL
)`,
		`CREATE INDEX IF NOT EXISTS payments_tracks_expires ON payments_tracks (expires, visitor)`,
		`CREATE TABLE IF NOT EXISTS payments_secrets (
	name   text PRIMARY KEY,
	secret bytea NOT NULL
)`,
		`CREATE TABLE IF NOT EXISTS payments_nodes (
	id     text PRIMARY KEY,
	beat   bigint NOT NULL,
	parted boolean NOT NULL,
	tracks bigint NOT NULL
)`,
		`CREATE INDEX IF NOT EXISTS payments_nodes_beat ON payments_nodes (beat)`,
	}, {
		// When a track was put, by the database's clock: beyond the cap the oldest go.
		// The tracks that are there are older than all that come; those of an older
		// node, which doesn't know the column, are put now.
		`ALTER TABLE payments_tracks ADD COLUMN IF NOT EXISTS put bigint NOT NULL DEFAULT 0`,
		`ALTER TABLE payments_tracks ALTER COLUMN put SET DEFAULT ` + dbNow,
		`CREATE INDEX IF NOT EXISTS payments_tracks_put ON payments_tracks (put, visitor)`,
	}, {
		// Hashes of what a payment is found by, and the writer of the version that they
		// were made of: where an older node has written since, or the row is older than
		// the column, they differ, and the row is read again in the background.
		`ALTER TABLE payments_records ADD COLUMN IF NOT EXISTS terms bigint[]`,
		`ALTER TABLE payments_records ADD COLUMN IF NOT EXISTS found bigint`,
		`CREATE INDEX IF NOT EXISTS payments_records_terms ON payments_records USING GIN (terms)`,
		`CREATE INDEX IF NOT EXISTS payments_records_unfound ON payments_records (created, ref) WHERE found IS DISTINCT FROM writer`,
	}, {
		// What a person must see is rare; what was declined, ran out or was abandoned may be
		// half of all, and would be walked to find it. So each has an index of its own, and
		// so have the payments that are under way.
		`CREATE INDEX IF NOT EXISTS payments_records_rare ON payments_records ((created + 0), ref) WHERE ` + isRare,
		`CREATE INDEX IF NOT EXISTS payments_records_passing ON payments_records (created, ref) WHERE ` + isPassing,
	}}
}

// ledgerRow is the ledger's one row, locked.
type ledgerRow struct {
	format    int
	id        string
	seq       int64
	start     int64
	origin    string
	untouched bool // nothing was ever written behind it
}

// lockLedger begins a transaction that holds the ledger's row, which it makes
// if there is none.
func lockLedger(ctx context.Context, conn *pgx.Conn) (tx pgx.Tx, row ledgerRow, err error) {
	for range 10 {
		if tx, err = conn.Begin(ctx); err != nil {
			return nil, row, fmt.Errorf("locking the ledger: %w", err)
		}
		err = tx.QueryRow(ctx, sqlLockLedger).Scan(&row.format, &row.id, &row.seq, &row.start, &row.origin)
		if err == nil {
			row.untouched = row.id == ""
			return tx, row, nil
		}
		_ = tx.Rollback(context.WithoutCancel(ctx))
		if !isState(err, stateNoTable) && !errors.Is(err, pgx.ErrNoRows) && fateOf(err) != collided {
			return nil, row, fmt.Errorf("locking the ledger: %w", err)
		}
		// Nodes that start together may meet here; the loser's error says so, and
		// the next round finds what the winner made.
		for _, sql := range []string{sqlMakeLedger, sqlFirstRow} {
			_, err = conn.Exec(ctx, sql)
			met := isState(err, stateUnique) || isState(err, stateTableThere) || isState(err, stateTypeThere)
			if err != nil && !met && fateOf(err) != collided {
				return nil, row, fmt.Errorf("making the ledger's table: %w", err)
			}
		}
	}
	return nil, row, fmt.Errorf("locking the ledger: %w", err)
}

// migrate brings the tables to this version's format. ddl is a connection
// beside the one that holds the lock: CockroachDB wants changes of tables
// outside of transactions.
func migrate(ctx context.Context, lock pgx.Tx, ddl *pgx.Conn, from int) error {
	all := migrations()
	if from > len(all) {
		return fmt.Errorf("%w: the tables have format %d, this version knows up to %d", ErrFormat, from, len(all))
	}
	for _, step := range all[from:] {
		for _, sql := range step {
			if _, err := ddl.Exec(ctx, sql); err != nil {
				return fmt.Errorf("making the tables: %w", err)
			}
		}
	}
	if from < len(all) {
		if _, err := lock.Exec(ctx, sqlSetFormat, len(all)); err != nil {
			return fmt.Errorf("making the tables: %w", err)
		}
	}
	return nil
}
