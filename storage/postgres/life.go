package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage"
	"github.com/rahgir/caddy-payments/storage/internal/generationfile"
)

// life is which ledger this is, in which generation, on which server.
type life struct {
	mark   generationfile.Mark
	origin string
	plain  bool
	frozen storage.Frozen
}

func (l *life) generation() payment.Generation { return l.mark.Generation() }

// dbNow is the database's clock in microseconds.
const dbNow = `(extract(epoch FROM clock_timestamp()) * 1000000)::bigint`

const (
	sqlLife = `SELECT id, seq, origin FROM payments_ledger WHERE one = 1`
	sqlHigh = `SELECT coalesce(max(beat), 0), ` + dbNow + ` FROM payments_nodes`
)

// errOther: the connection leads to another ledger, or to another life of it,
// than the one that is known.
var errOther = errors.New("another database has taken the place of this one")

// admit looks at every new connection before it is used: a failover may have
// led it to a server that is unsafe, or that has forgotten what it confirmed.
func (s *Store) admit(ctx context.Context, conn *pgx.Conn) error {
	l := s.life.Load()
	if l == nil {
		return errOther
	}
	sv, err := inspect(ctx, conn)
	if err != nil {
		return err
	}
	// One that waits for another's lock gives up soon and is tried again by itself,
	// so that those who share a statement don't all wait for one of them.
	for setting, limit := range map[string]time.Duration{"statement_timeout": 3 * s.cfg.timeout, "lock_timeout": s.cfg.timeout / 5} {
		if _, err := conn.Exec(ctx, fmt.Sprintf("SET %s = %d", setting, limit.Milliseconds())); err != nil {
			return fmt.Errorf("setting up the session: %w", err)
		}
	}
	var id, origin string
	var seq, high, now int64
	err = conn.QueryRow(ctx, sqlLife).Scan(&id, &seq, &origin)
	if err == nil {
		err = conn.QueryRow(ctx, sqlHigh).Scan(&high, &now)
	}
	if err != nil && !isState(err, stateNoTable) && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("looking at the ledger: %w", err)
	}
	if err != nil || id != l.mark.ID || seq != int64(l.mark.Seq) || sv.origin != l.origin || uint64(high) < l.mark.High { //nolint:gosec // never negative
		s.life.CompareAndSwap(l, nil)
		return errOther
	}
	return nil
}

// settle finds out which ledger the database holds, makes or changes its tables,
// and begins a new generation where it may have forgotten something. Nothing is
// read or written before that.
func (s *Store) settle(ctx context.Context) error {
	s.setting.Lock()
	defer s.setting.Unlock()
	if s.life.Load() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, s.conn.Copy())
	if err != nil {
		return err
	}
	defer closeConn(conn)
	sv, err := inspect(ctx, conn)
	if err != nil {
		return err
	}
	tx, row, err := lockLedger(ctx, conn)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	ddl, err := pgx.ConnectConfig(ctx, s.conn.Copy())
	if err != nil {
		return err
	}
	defer closeConn(ddl)
	frozen, format := frozenOf(row.format)
	if why := frozen.Err(); why != nil && !s.cfg.openFrozen {
		return why
	}
	if err := makeTables(ctx, tx, ddl, format); err != nil {
		return err
	}
	var high, now int64
	if err := tx.QueryRow(ctx, sqlHigh).Scan(&high, &now); err != nil {
		return fmt.Errorf("looking at the ledger: %w", err)
	}
	m, why := judge(row, sv.origin, s.mark, uint64(high), time.UnixMicro(now).UTC()) //nolint:gosec // never negative
	if row.untouched || why != "" || row.origin != sv.origin {
		origin := sv.origin
		if origin == "" {
			origin = row.origin
		}
		if _, err := tx.Exec(ctx, sqlSetLife, m.ID, int64(m.Seq), m.Start.UnixMicro(), origin); err != nil {
			return fmt.Errorf("writing the generation: %w", err)
		}
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("writing the generation: %w", err)
	}
	s.life.Store(&life{mark: m, origin: sv.origin, plain: sv.plain, frozen: frozen})
	s.mark = m
	if why != "" {
		s.log().Warn("the ledger may have lost payments; starting a new generation",
			zap.String("why", why), zap.Uint32("generation", m.Seq), zap.String("id", m.ID))
		s.cfg.onNewLife(why)
	}
	return s.writeMark()
}

// judge says which generation the ledger is in, and why it is a new one if it
// is. known is what this node knows from outside of the ledger, zero if it
// knows nothing; high is the newest beat in the ledger. It is pure.
func judge(row ledgerRow, origin string, known generationfile.Mark, high uint64, now time.Time) (m generationfile.Mark, why string) {
	inside := generationfile.Mark{ID: row.id, Seq: uint32(row.seq), Start: time.UnixMicro(row.start).UTC()} //nolint:gosec // written by this function
	next := generationfile.Mark{ID: row.id, Seq: max(inside.Seq, known.Seq) + 1, Start: now}
	switch {
	case row.untouched && known.ID == "":
		return generationfile.Mark{ID: generationfile.NewID(), Seq: 1, Start: now}, ""
	case row.untouched:
		next.ID = generationfile.NewID()
		return next, "the database is empty, and there was a ledger in it"
	case row.origin != "" && origin != "" && row.origin != origin:
		return next, "the server is another one, a promoted standby, or a restored backup"
	case known.ID == "":
		return inside, "" // a node that is new here
	case known.ID != inside.ID && uint64(inside.Start.UnixMicro()) >= known.High: //nolint:gosec // never negative
		return inside, "" // whatever was lost, the others have noticed
	case known.ID != inside.ID:
		return next, "the database holds another ledger than before"
	case inside.Seq > known.Seq:
		return inside, "" // the others have noticed
	case inside.Seq < known.Seq:
		return next, "the ledger's generation is older than the last one seen: a backup was restored"
	case high < known.High:
		return next, "the ledger is older than when it was last seen: a backup was restored, or its newest changes are lost"
	}
	inside.High = known.High // not high: beats in between may not be on its disk
	return inside, ""
}

// rise notes that the ledger has come as far as a beat that is on its disk.
func (s *Store) rise(beat int64) error {
	s.setting.Lock()
	defer s.setting.Unlock()
	l := s.life.Load()
	if l == nil {
		return nil
	}
	next := *l
	next.mark.High = max(l.mark.High, uint64(beat)) //nolint:gosec // a time
	if s.life.CompareAndSwap(l, &next) {
		s.mark = next.mark
	}
	return s.writeMark()
}

func (s *Store) writeMark() error {
	if s.cfg.generationFile == "" {
		return nil
	}
	return generationfile.Write(s.cfg.generationFile, s.mark)
}

func closeConn(c *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = c.Close(ctx)
}
