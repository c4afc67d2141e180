package badger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	bdb "github.com/dgraph-io/badger/v4"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/internal/failpoint"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/badger/journal"
	"github.com/rahgir/caddy-payments/storage/internal/durable"
	"github.com/rahgir/caddy-payments/storage/internal/mirror"
	"github.com/rahgir/caddy-payments/storage/internal/shared"
)

// Store is an open ledger.
type Store struct {
	cfg   *config
	dir   string
	db    *bdb.DB
	owner string
	gen   mirror.Mark

	gate    gate
	readers readers
	space   spaceGuard
	claims  shared.Claims[limits]
	due     dueFloor
	journal *journal.Journal
	seen    witness
	minting turn

	// Who writes has these to himself.
	writer            writer
	last              uint64 // version of the newest commit
	maxSize, maxCount int
	frame             []byte
	segments          int   // of the journal, when it was last looked at
	listed            int64 // length of Badger's list of tables, as noted

	broken  atomic.Pointer[error] // why nothing may be written any more
	ruined  atomic.Pointer[error] // why nothing may be read either
	commits atomic.Uint64
	records atomic.Int64
	tracks  atomic.Int64
	// maxTracks is the cap; crowded says that it is passed.
	maxTracks atomic.Int64
	crowded   chan struct{}

	stop     context.CancelFunc
	chores   sync.WaitGroup
	counted  chan struct{} // closed when records and tracks are exact
	mirrored mirror.Mark   // what stands in the generation file
	noted    uint64        // commits when it was written
	logged   uint64        // commits when Badger's log was synced

	checking sync.Mutex
	sums     tableSums // as they stand in sumsFile
}

// Open opens the store in dir, which is made if it does not exist.
func Open(dir string, opts ...Option) (*Store, error) {
	c := newConfig(opts)
	dir, err := realDir(dir)
	if err != nil {
		return nil, err
	}
	if c.mirror == "" {
		c.mirror = dir + ".generation"
	}
	// A directory that leads here by a link is this one, too.
	if at, err := filepath.EvalSymlinks(filepath.Dir(c.mirror)); err == nil {
		if err := outside(dir, filepath.Join(at, filepath.Base(c.mirror))); err != nil {
			return nil, err
		}
	}
	s := &Store{cfg: c, dir: dir, owner: newID(),
		counted: make(chan struct{}), minting: newTurn(), crowded: make(chan struct{}, 1)}
	s.maxTracks.Store(c.maxTracks)
	s.due.init()
	s.space = spaceGuard{dir: dir, measure: c.freeSpace, log: c.log}
	if err := s.space.setLimits(c); err != nil {
		return nil, err
	}
	if c.memTable == 0 {
		c.memTable = memTableFor(c.freeSpace, dir)
	}
	failpoint.Hit(failpoint.LedgerOpening)
	defer s.giveFiles()
	if err := s.checkFiles(); err != nil {
		return nil, whose(dir, err)
	}
	if s.db, err = openBadger(badgerOptions(dir, c)); err != nil {
		return nil, openError(dir, err)
	}
	if err := s.start(); err != nil {
		return nil, whose(dir, errors.Join(err, s.db.Close()))
	}
	return s, nil
}

// giveFiles gives the directory's owner what this process has made in it, if it is
// root's: Badger makes files all the time, as whoever it is.
func (s *Store) giveFiles() {
	o, other := durable.OwnerOf(s.dir)
	if !other {
		return
	}
	if err := errors.Join(o.GiveAll(s.dir), o.Give(s.cfg.mirror)); err != nil {
		s.log().Error("files of the ledger belong to root, not to the directory's owner, who may not be able to open it",
			zap.String("dir", s.dir), zap.Error(err))
	}
}

// memTableFor makes memtables, and with them the files that come and go, small
// on a small disk.
func memTableFor(measure func(string) (space, error), dir string) int64 {
	if sp, err := measure(dir); err == nil && sp.total != 0 && sp.total < 1024*mib {
		return 4 * mib
	}
	return 8 * mib
}

// realDir makes the directory, for its owner alone, and resolves links, so that
// one store has one name.
func realDir(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("the store's directory: %w", err)
	}
	if err := durable.MkdirAll(dir); err != nil {
		return "", fmt.Errorf("making the store's directory: %w", err)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", fmt.Errorf("the store's directory: %w", err)
	}
	return dir, nil
}

// openError names what people meet. Badger's errors can't be told apart by
// errors.Is.
func openError(dir string, err error) error {
	if strings.Contains(err.Error(), "Cannot acquire directory lock") || strings.Contains(err.Error(), "Cannot create lock file") {
		return locked(dir)
	}
	return whose(dir, fmt.Errorf("opening the store in %s: %w", dir, err))
}

// whose says what to do about files that another user has made, and names a disk
// that was filled meanwhile as what it is.
func whose(dir string, err error) error {
	if errors.Is(err, syscall.ENOSPC) && !errors.Is(err, payment.ErrFull) {
		return fmt.Errorf("%w: %w", payment.ErrFull, err)
	}
	if errors.Is(err, fs.ErrPermission) || strings.Contains(err.Error(), fs.ErrPermission.Error()) {
		return fmt.Errorf("%w; the ledger's files must belong to the user that Caddy runs as: chown -R <user> %s", err, dir)
	}
	return err
}

func locked(dir string) error { return fmt.Errorf("%w: %s; use `caddy reload`", ErrLocked, dir) }

// Close refuses new operations, waits for those under way, and closes the
// store. Later calls return nil.
func (s *Store) Close() error {
	if !s.gate.shut() {
		return nil
	}
	s.stop()
	s.chores.Wait()
	s.writer.holders.Wait()
	err := s.lastWords()
	clean := err == nil && s.broken.Load() == nil && s.space.ready() == nil
	cerr := s.db.Close()
	defer s.giveFiles()
	return errors.Join(err, cerr, s.closeJournal(clean && cerr == nil))
}

// Now implements [payment.Store].
func (s *Store) Now() time.Time { return s.cfg.now().UTC() }

// Owner implements [payment.Store].
func (s *Store) Owner() string { return s.owner }

// Alive implements [payment.Store]. Nobody else can have the store open, so a
// lease of another owner is one of a process that is gone.
func (s *Store) Alive(l payment.Lease) bool {
	return l.Owner == s.owner && l.Until.After(s.Now())
}

// Ready implements [payment.Store].
func (s *Store) Ready() error {
	if s.gate.closing.Load() {
		return payment.ErrClosed
	}
	if s.broken.Load() != nil {
		return s.brokenErr()
	}
	return s.space.ready()
}

// Generation implements [payment.Store].
func (s *Store) Generation(ctx context.Context) (payment.Generation, error) {
	if err := ctx.Err(); err != nil {
		return payment.Generation{}, err
	}
	if s.gate.closing.Load() {
		return payment.Generation{}, payment.ErrClosed
	}
	return s.gen.Generation(), nil
}

// Dir is the directory's real path.
func (s *Store) Dir() string { return s.dir }

func (s *Store) log() *zap.Logger { return s.cfg.log() }

var (
	_ payment.Store  = (*Store)(nil)
	_ payment.Looker = (*Store)(nil)
)
