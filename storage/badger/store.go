package badger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	bdb "github.com/dgraph-io/badger/v4"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/internal/failpoint"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/badger/commit"
	"github.com/rahgir/caddy-payments/storage/badger/disk"
	"github.com/rahgir/caddy-payments/storage/badger/preflight"
	"github.com/rahgir/caddy-payments/storage/internal/durable"
	"github.com/rahgir/caddy-payments/storage/internal/generationfile"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
	"github.com/rahgir/caddy-payments/storage/internal/shared"
)

// Errors of opening a store, beside those of [payment.Store].
var (
	// ErrLocked: another process has the directory open.
	ErrLocked = preflight.ErrLocked
	// ErrFormat: the store, or an entry of it, was written by another version of
	// this module.
	ErrFormat = packed.ErrFormat
	// ErrDamaged: files of the store are not as they were written, and can't be
	// mended from its journal. Nothing was changed.
	ErrDamaged = preflight.ErrDamaged
)

// Store is an open ledger.
type Store struct {
	cfg   *config
	dir   string
	owner string
	db    *bdb.DB

	// The rooms.
	queue   *commit.Queue
	journal ledgerJournal
	disk    *disk.Guard
	tables  *preflight.Tables

	opening openReport
	gen     generation
	counts  counts
	recent  recent
	due     dueFloor
	minting turn
	sieving sieving
	claims  shared.Claims[limits]
	chores  chores
}

// Open opens the store in dir, which is made if it does not exist.
func Open(dir string, opts ...Option) (*Store, error) {
	c := newConfig(opts)
	dir, err := realDir(dir)
	if err != nil {
		return nil, err
	}
	if c.generationFile == "" {
		c.generationFile = dir + ".generation"
	}
	// A directory that leads here by a link is this one, too.
	if at, err := filepath.EvalSymlinks(filepath.Dir(c.generationFile)); err == nil {
		if err := outside(dir, filepath.Join(at, filepath.Base(c.generationFile))); err != nil {
			return nil, err
		}
	}
	s := &Store{cfg: c, dir: dir, owner: generationfile.NewID(), minting: newTurn()}
	s.counts.init(c.maxTracks)
	s.due.init()
	if s.disk, err = disk.New(dir, disk.Options{MinFree: c.minFree, Reserve: c.reserve, Measure: c.freeSpace, Fastest: c.fastest, Log: c.log}); err != nil {
		return nil, err
	}
	if c.memTable == 0 {
		c.memTable = memTableFor(c.freeSpace, dir)
	}
	failpoint.Hit(failpoint.LedgerOpening)
	defer s.giveFiles()
	found, err := preflight.Check(dir, preflight.Options{Badger: badgerOptions(dir, c), Journal: filepath.Join(dir, journalDir), Log: c.log})
	if err != nil {
		return nil, explain(dir, err)
	}
	s.tables, c.memTable = found.Tables, found.MemTable
	if s.db, err = preflight.Open(badgerOptions(dir, c)); err != nil {
		return nil, openError(dir, err)
	}
	if err := s.start(); err != nil {
		return nil, explain(dir, errors.Join(err, s.db.Close()))
	}
	return s, nil
}

// giveFiles makes the directory's owner the owner of the files that a process of root
// has made in it. Badger makes files all the time.
func (s *Store) giveFiles() {
	o, other := durable.OwnerOf(s.dir)
	if !other {
		return
	}
	if err := errors.Join(o.GiveAll(s.dir), o.Give(s.cfg.generationFile)); err != nil {
		s.log().Error("files of the ledger belong to root, not to the directory's owner, who may not be able to open it",
			zap.String("dir", s.dir), zap.Error(err))
	}
}

// memTableFor makes memtables, and with them the files that come and go, small
// on a small disk.
func memTableFor(measure func(string) (disk.Space, error), dir string) int64 {
	if sp, err := measure(dir); err == nil && sp.Total != 0 && sp.Total < 1024*mib {
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
	if err := durable.MkdirAll(dir); errors.Is(err, fs.ErrPermission) && os.Getuid() >= 0 {
		return "", fmt.Errorf("making the store's directory: %w; Caddy runs as user %d: install -d -m 700 -o %d %s", err, os.Getuid(), os.Getuid(), dir)
	} else if err != nil {
		return "", fmt.Errorf("making the store's directory: %w", err)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", fmt.Errorf("the store's directory: %w", err)
	}
	return dir, nil
}

func openError(dir string, err error) error {
	if errors.Is(err, ErrLocked) {
		return err
	}
	return explain(dir, fmt.Errorf("opening the store in %s: %w", dir, err))
}

// explain adds to an error of opening what to do about files of another user, and
// says when the disk is full.
func explain(dir string, err error) error {
	if errors.Is(err, syscall.ENOSPC) && !errors.Is(err, payment.ErrFull) {
		return fmt.Errorf("%w: %w", payment.ErrFull, err)
	}
	if errors.Is(err, fs.ErrPermission) || strings.Contains(err.Error(), fs.ErrPermission.Error()) {
		return fmt.Errorf("%w; the ledger's files must belong to the user that Caddy runs as: chown -R <user> %s", err, dir)
	}
	return err
}

// Close refuses new operations, waits for those under way, and closes the
// store. Later calls return nil.
func (s *Store) Close() error {
	if !s.queue.Close() {
		return nil
	}
	s.chores.stop()
	s.chores.Wait()
	err := s.flushOnClose()
	clean := err == nil && !s.queue.Broken() && s.disk.Ready() == nil
	cerr := s.db.Close()
	defer s.giveFiles()
	return errors.Join(err, cerr, s.journal.close(clean && cerr == nil))
}

// Now implements [payment.Store].
func (s *Store) Now() time.Time { return s.cfg.now().UTC() }

// Owner implements [payment.Store].
func (s *Store) Owner() string { return s.owner }

// Alive implements [payment.Store]. No other process can have the store open, so the
// owner of another lease is a process that has ended.
func (s *Store) Alive(l payment.Lease) bool {
	return l.Owner == s.owner && l.Until.After(s.Now())
}

// Ready implements [payment.Store].
func (s *Store) Ready() error {
	if err := s.queue.Ready(); err != nil {
		return err
	}
	return s.disk.Ready()
}

// Generation implements [payment.Store].
func (s *Store) Generation(ctx context.Context) (payment.Generation, error) {
	if err := ctx.Err(); err != nil {
		return payment.Generation{}, err
	}
	if s.queue.Closed() {
		return payment.Generation{}, payment.ErrClosed
	}
	return s.gen.Generation(), nil
}

// Dir returns the directory's real path.
func (s *Store) Dir() string { return s.dir }

func (s *Store) log() *zap.Logger { return s.cfg.log() }

var (
	_ payment.Store  = (*Store)(nil)
	_ payment.Looker = (*Store)(nil)
)
