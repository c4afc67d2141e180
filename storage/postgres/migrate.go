package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// A ledger that is frozen says so in its format: no version of this module opens
// tables of a format that it does not know.
const (
	frozenMoved     = 1_000_000
	frozenReceiving = 2_000_000
)

func frozenOf(format int) (storage.Frozen, int) {
	switch {
	case format >= frozenReceiving:
		return storage.Receiving, format - frozenReceiving
	case format >= frozenMoved:
		return storage.Moved, format - frozenMoved
	}
	return storage.Usable, format
}

const (
	dumpPage = 1000

	sqlDumpSecrets = `SELECT name, secret FROM payments_secrets WHERE name > $1 ORDER BY name LIMIT $2` //nolint:gosec // a statement, no secret
	sqlDumpKeys    = `SELECT key, ref FROM payments_keys WHERE key > $1 ORDER BY key LIMIT $2`
	sqlDumpRecords = `SELECT ref, body, money FROM payments_records WHERE ref > $1 ORDER BY ref LIMIT $2`
	sqlDumpTracks  = `SELECT visitor, body FROM payments_tracks WHERE visitor > $1 ORDER BY visitor LIMIT $2`
	sqlIntents     = `SELECT ref, key FROM payments_keys WHERE intent AND ref = ANY($1::bytea[])`

	sqlLoadKeys    = `INSERT INTO payments_keys (key, ref, intent) SELECT u.key, u.ref, false FROM unnest($1::bytea[], $2::bytea[]) AS u (key, ref) ON CONFLICT (key) DO NOTHING`
	sqlLoadIntents = `UPDATE payments_keys SET intent = true WHERE key = ANY($1::bytea[])`
)

// withFrozen opens a ledger although it is frozen.
func withFrozen() Option { return func(c *config) { c.openFrozen = true } }

// OpenToMove implements [storage.Mover].
func (m *Module) OpenToMove(ctx context.Context, log *zap.Logger, _ bool) (storage.Migrator, func() error, error) {
	opts, err := m.options()
	if err != nil {
		return nil, nil, err
	}
	s, err := Open(ctx, m.dsn.Reveal(), append(opts, withFrozen(), WithLogger(func() *zap.Logger { return log }))...)
	if err != nil {
		return nil, nil, err
	}
	if err = s.Ready(); err == nil {
		err = s.alone(ctx)
	}
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return s, s.Close, nil
}

// alone makes sure that no other node works on the ledger.
func (s *Store) alone(ctx context.Context) error {
	if err := s.beat(ctx); err != nil {
		return err
	}
	if _, all := s.nodes.share(); !all {
		return storage.ErrInUse
	}
	return nil
}

// Dump implements [storage.Migrator].
func (s *Store) Dump(ctx context.Context, f func(storage.Item) error) error {
	for _, part := range []struct {
		kind storage.Kind
		sql  string
	}{
		{storage.KindSecret, sqlDumpSecrets}, {storage.KindKey, sqlDumpKeys},
		{storage.KindRecord, sqlDumpRecords}, {storage.KindTrack, sqlDumpTracks},
	} {
		for after := []byte{}; ; {
			items, err := s.dumpPage(ctx, part.kind, part.sql, after)
			if err != nil {
				return err
			}
			for _, it := range items {
				if err := f(it); err != nil {
					return err
				}
			}
			if len(items) < dumpPage {
				break
			}
			after = items[len(items)-1].Name
		}
	}
	return nil
}

func (s *Store) dumpPage(ctx context.Context, kind storage.Kind, sql string, after []byte) (items []storage.Item, err error) {
	err = s.read(ctx, "reading the ledger", func(ctx context.Context, c *pgxpool.Conn) error {
		items = nil
		money := make(map[string]bool)
		var from any = after
		if kind == storage.KindSecret {
			from = string(after)
		}
		rows, err := c.Query(ctx, sql, from, dumpPage)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			it := storage.Item{Kind: kind}
			into := []any{&it.Name, &it.Value}
			var m bool
			if kind == storage.KindRecord {
				into = append(into, &m)
			}
			if err := rows.Scan(into...); err != nil {
				return err
			}
			money[string(it.Name)] = m
			items = append(items, it)
		}
		if err := rows.Err(); err != nil || kind != storage.KindRecord {
			return err
		}
		rows.Close()
		return canonical(ctx, c, items, money)
	})
	return items, err
}

// canonical brings records into the form that they have in every store.
func canonical(ctx context.Context, c *pgxpool.Conn, items []storage.Item, money map[string]bool) error {
	refs := make([][]byte, len(items))
	for i, it := range items {
		refs[i] = it.Name
	}
	rows, err := c.Query(ctx, sqlIntents, refs)
	if err != nil {
		return err
	}
	defer rows.Close()
	intents := make(map[string][][]byte)
	for rows.Next() {
		var ref, key []byte
		if err := rows.Scan(&ref, &key); err != nil {
			return err
		}
		intents[string(ref)] = append(intents[string(ref)], key)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for i, it := range items {
		e, err := packed.Decode(payment.RefOf(it.Name), it.Value)
		if err != nil {
			return err
		}
		e.Money, e.Intents = money[string(it.Name)], intents[string(it.Name)]
		if items[i].Value, err = packed.Canonical(e); err != nil {
			return err
		}
	}
	return nil
}

// Load implements [storage.Migrator]. Keys come before the records that hold
// them.
func (s *Store) Load(ctx context.Context, items []storage.Item) error {
	for part := range slices.Chunk(items, 500) {
		batch := &pgx.Batch{}
		var keys, holders, intents [][]byte
		for _, it := range part {
			switch it.Kind {
			case storage.KindSecret:
				batch.Queue(sqlMakeSecret, string(it.Name), it.Value)
			case storage.KindKey:
				keys, holders = append(keys, it.Name), append(holders, some(it.Value))
			case storage.KindTrack:
				_, expires, err := packed.DecodeTrack(it.Value)
				if err != nil {
					return err
				}
				batch.Queue(sqlTrackNew, it.Name, int64(expires), it.Value)
			case storage.KindRecord:
				more, err := queueRecord(batch, it)
				if err != nil {
					return err
				}
				intents = append(intents, more...)
			default:
				return fmt.Errorf("an item of kind %q", it.Kind)
			}
		}
		if len(keys) > 0 {
			batch.Queue(sqlLoadKeys, keys, holders)
		}
		if len(intents) > 0 {
			batch.Queue(sqlLoadIntents, intents)
		}
		// Doing it twice is harmless: what is there stays.
		err := s.read(ctx, "writing the ledger", func(ctx context.Context, c *pgxpool.Conn) error {
			return c.SendBatch(ctx, batch).Close()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func some(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

func queueRecord(batch *pgx.Batch, it storage.Item) (intents [][]byte, err error) {
	e, err := packed.Decode(payment.RefOf(it.Name), it.Value)
	if err != nil {
		return nil, err
	}
	r := e.Rec
	k, ok := r.Ref.Bytes()
	if !ok || r.Version == 0 {
		return nil, fmt.Errorf("%w: record %s", packed.ErrCorrupt, r.Ref)
	}
	had := *r
	had.Version--
	w, err := newRow(payment.Change{Record: &had}, k)
	if err != nil {
		return nil, err
	}
	w.cells.money = e.Money
	batch.Queue(partInsert, w.columns()...)
	return e.Intents, nil
}

// Frozen implements [storage.Migrator].
func (s *Store) Frozen() storage.Frozen {
	if l := s.life.Load(); l != nil {
		return l.frozen
	}
	return storage.Usable
}

// SetFrozen implements [storage.Migrator].
func (s *Store) SetFrozen(ctx context.Context, why storage.Frozen) error {
	return s.change(ctx, func(tx pgx.Tx, row ledgerRow, l *life) error {
		_, format := frozenOf(row.format)
		switch why {
		case storage.Moved:
			format += frozenMoved
		case storage.Receiving:
			format += frozenReceiving
		}
		l.frozen = why
		_, err := tx.Exec(ctx, sqlSetFormat, format)
		return err
	})
}

// Renew implements [storage.Migrator].
func (s *Store) Renew(ctx context.Context, after uint32) error {
	return s.change(ctx, func(tx pgx.Tx, row ledgerRow, l *life) error {
		l.mark.Seq = max(uint32(row.seq), after) + 1
		l.mark.Start = time.UnixMicro(s.Now().UnixMicro()).UTC()
		_, err := tx.Exec(ctx, sqlSetLife, l.mark.ID, int64(l.mark.Seq), l.mark.Start.UnixMicro(), row.origin)
		return err
	})
}

// change changes the ledger's own row, under its lock.
func (s *Store) change(ctx context.Context, f func(pgx.Tx, ledgerRow, *life) error) error {
	s.setting.Lock()
	defer s.setting.Unlock()
	l := s.life.Load()
	if l == nil {
		return ErrUnreachable
	}
	conn, err := pgx.ConnectConfig(ctx, s.conn.Copy())
	if err != nil {
		return told(err)
	}
	defer closeConn(conn)
	tx, row, err := lockLedger(ctx, conn)
	if err != nil {
		return told(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	next := *l
	if err := f(tx, row, &next); err != nil {
		return told(err)
	}
	if err := tx.Commit(ctx); err != nil {
		return told(err)
	}
	s.life.Store(&next)
	s.mark = next.mark
	s.pool.Reset()
	return s.writeMark()
}

// Interface guards.
var (
	_ storage.Migrator = (*Store)(nil)
	_ storage.Mover    = (*Module)(nil)
)
