package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/generationfile"
	"github.com/rahgir/caddy-payments/storage/internal/shared"
)

// Store is this node's handle on the shared ledger.
type Store struct {
	cfg   *config
	conn  *pgx.ConnConfig
	pool  *pgxpool.Pool
	owner string

	// setting serialises finding out which ledger this is; life is the result, nil
	// until the database was reached and again when it turns out to be another.
	setting sync.Mutex
	life    atomic.Pointer[life]
	mark    generationfile.Mark // what is known outside of the ledger; under setting

	clock clock
	nodes nodes

	down   atomic.Pointer[error] // why the database is out of reach
	wake   chan struct{}         // asks for a beat now
	tracks tracks
	claims shared.Claims[int64] // of the cap
	// maxTracks is the cap; crowded says that it is passed.
	maxTracks atomic.Int64
	crowded   chan struct{}
	secrets   sync.Mutex

	firsts, updates, lazies group[*member]
	looks                   group[*lookup]

	gate   sync.RWMutex // held by operations, so that none runs on a closed pool
	closed atomic.Bool
	stop   context.CancelFunc
	chores sync.WaitGroup
}

// Open opens the ledger that a connection string leads to and makes its tables
// if there are none. A server that is unsafe, too new or says no is an error; one
// that can't be reached is waited for in the background, since the sites beside
// the payments must be served without it.
func Open(ctx context.Context, dsn string, opts ...Option) (*Store, error) {
	c := newConfig(opts)
	pc, err := parse(dsn)
	if err != nil {
		return nil, err
	}
	s := &Store{cfg: c, conn: pc.ConnConfig.Copy(), owner: generationfile.NewID(), wake: make(chan struct{}, 1), crowded: make(chan struct{}, 1)}
	s.maxTracks.Store(c.maxTracks)
	s.nodes.init(s.owner)
	s.clock.init()
	s.firsts.run, s.updates.run, s.lazies.run = s.sendAll, s.sendAll, s.sendAll
	s.looks.run = s.lookAll
	if c.generationFile != "" {
		m, damaged, err := generationfile.Read(c.generationFile)
		if err != nil {
			return nil, err
		}
		if m != nil && !damaged {
			s.mark = *m
		}
	}
	pc.MaxConns = int32(min(max(c.conns, 2), 10_000)) //nolint:gosec // bounded
	pc.MaxConnLifetimeJitter = 10 * time.Minute
	pc.AfterConnect = s.admit
	if s.pool, err = pgxpool.NewWithConfig(context.WithoutCancel(ctx), pc); err != nil {
		return nil, errors.New("the connections can't be set up")
	}
	err = s.beat(ctx)
	if err != nil && connected(err) == refused {
		s.pool.Close()
		return nil, fmt.Errorf("opening the ledger: %w", err)
	}
	if err != nil {
		s.setDown(err)
		s.log().Error("the database of the payments can't be reached; payments get 503 until it answers", zap.Error(err))
	}
	bg, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	s.chores.Add(2)
	go s.heart(bg)
	go s.trimLoop(bg)
	s.crowd()
	return s, nil
}

// parse reads a connection string. Its errors may quote the string, and with it
// the password, so they are not passed on.
func parse(dsn string) (*pgxpool.Config, error) {
	pc, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("the dsn can't be understood; it looks like postgres://user@host:5432/database?sslmode=verify-full, with special letters of user and password written as %XX")
	}
	return pc, nil
}

// Close refuses new operations, waits for those under way, says good-bye to the
// other nodes and closes the connections. Later calls return nil.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.gate.Lock()
	s.gate.Unlock() //nolint:staticcheck // waiting is all that it is for
	s.stop()
	s.chores.Wait()
	err := s.part()
	s.pool.Close()
	return err
}

// Now implements [payment.Store]: the database's clock, as near as it is known.
func (s *Store) Now() time.Time { return s.clock.now() }

// Owner implements [payment.Store].
func (s *Store) Owner() string { return s.owner }

// Alive implements [payment.Store]. A lease ends with its time, or with its
// owner.
func (s *Store) Alive(l payment.Lease) bool {
	if l.Owner == "" || !l.Until.After(s.Now()) {
		return false
	}
	return l.Owner == s.owner || !s.nodes.silent(l.Owner)
}

// Ready implements [payment.Store].
func (s *Store) Ready() error {
	if s.closed.Load() {
		return payment.ErrClosed
	}
	if why := s.down.Load(); why != nil {
		return *why
	}
	return nil
}

func (s *Store) generation(ctx context.Context) (payment.Generation, error) {
	if err := ctx.Err(); err != nil {
		return payment.Generation{}, err
	}
	if s.closed.Load() {
		return payment.Generation{}, payment.ErrClosed
	}
	if l := s.life.Load(); l != nil {
		return l.generation(), nil
	}
	if err := s.settle(ctx); err != nil {
		return payment.Generation{}, told(err)
	}
	if l := s.life.Load(); l != nil {
		return l.generation(), nil
	}
	return payment.Generation{}, ErrUnreachable
}

// Orphaned tells whenever another node has fallen silent: what it was doing is
// to be taken up.
func (s *Store) Orphaned() <-chan struct{} { return s.nodes.orphaned }

// plain reports whether the server is known to be PostgreSQL itself.
func (s *Store) plain() bool {
	l := s.life.Load()
	return l != nil && l.plain
}

func (s *Store) log() *zap.Logger { return s.cfg.log() }

func (s *Store) setDown(err error) {
	why := fmt.Errorf("%w: %w", ErrUnreachable, told(err))
	if s.down.Swap(&why) == nil {
		s.poke()
	}
}

func (s *Store) setUp() {
	if s.down.Swap(nil) != nil {
		s.log().Info("the database of the payments answers")
	}
}

// poke asks for a beat without waiting for its time.
func (s *Store) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
