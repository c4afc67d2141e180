package badger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	bdb "github.com/dgraph-io/badger/v4"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/payment"
)

// Store is an open ledger.
type Store struct {
	cfg   *config
	dir   string
	db    *bdb.DB
	owner string
	gen   mirror

	gate    gate
	readers readers
	space   spaceGuard
	due     dueFloor
	slot    *slot
	minting sync.Mutex

	// Who writes has these to himself.
	writer            writer
	last              uint64 // version of the newest commit
	maxSize, maxCount int

	broken  atomic.Pointer[error]
	commits atomic.Uint64
	records atomic.Int64
	tracks  atomic.Int64

	stop     context.CancelFunc
	chores   sync.WaitGroup
	counted  chan struct{} // closed when records and tracks are exact
	mirrored mirror        // what stands in the generation file
	noted    uint64        // commits when it was written
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
	s := &Store{cfg: c, dir: dir, owner: newID(),
		counted: make(chan struct{})}
	s.due.init()
	s.space = spaceGuard{dir: dir, measure: c.freeSpace, log: c.log}
	if err := s.space.setLimits(c); err != nil {
		return nil, err
	}
	if c.memTable == 0 {
		c.memTable = memTableFor(c.freeSpace, dir)
	}
	if s.db, err = openBadger(badgerOptions(dir, c)); err != nil {
		return nil, openError(dir, err)
	}
	if err := s.start(); err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	return s, nil
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
	if err := os.MkdirAll(dir, 0o700); err != nil {
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
		return fmt.Errorf("%w: %s; use `caddy reload`", ErrLocked, dir)
	}
	return fmt.Errorf("opening the store in %s: %w", dir, err)
}

// start brings the store from what lies on the disk to ready for use.
func (s *Store) start() (err error) {
	// For its owner alone, also where the directory was made by others.
	if err := os.Chmod(s.dir, 0o700); err != nil { //nolint:gosec // a directory needs the x
		return fmt.Errorf("the store's directory: %w", err)
	}
	s.maxSize, s.maxCount = int(s.db.MaxBatchSize())*9/10, int(s.db.MaxBatchCount())*9/10
	if s.slot, err = openSlot(s.dir); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			s.slot.close()
		}
	}()
	s.last = s.db.MaxVersion()
	if err := s.replaySlot(); err != nil {
		return err
	}
	if err := s.checkFormat(); err != nil {
		return err
	}
	why, err := s.settleGeneration()
	if err != nil {
		return err
	}
	if err := s.startCount(); err != nil {
		return err
	}
	s.readers.init(s.last)
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	if _, exact := s.Count(); !exact {
		s.chores.Add(1)
		s.readers.hold(s.last)
		go s.finishCount(ctx, s.last)
	}
	s.chores.Add(1)
	go s.choreLoop(ctx)
	if why != "" {
		s.log().Warn("this ledger may have forgotten payments: a new generation begins",
			zap.String("why", why), zap.String("dir", s.dir), zap.Uint32("generation", s.gen.Seq))
		s.cfg.onNewLife(why)
	}
	return nil
}

// replaySlot commits the lazy changes that somebody was told of and that the
// process did not live to commit.
func (s *Store) replaySlot() error {
	ts, writes, ok := s.slot.read()
	if !ok || ts != s.last+1 {
		return nil
	}
	if err := s.commitNow(writes); err != nil {
		return err
	}
	s.slot.clear()
	return nil
}

// commitNow commits before the writer runs.
func (s *Store) commitNow(writes []write) error {
	txn := s.db.NewTransactionAt(s.last, true)
	defer txn.Discard()
	if err := apply(txn, writes); err != nil {
		return err
	}
	if err := txn.CommitAt(s.last+1, nil); err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	s.last++
	return nil
}

func (s *Store) readNow(key []byte) ([]byte, error) {
	txn := s.db.NewTransactionAt(s.last, false)
	defer txn.Discard()
	return getCopy(txn, key)
}

// storeFormat is the format of the store as a whole: its tables and keys.
const storeFormat = 1

func (s *Store) checkFormat() error {
	b, err := s.readNow(metaFormat)
	if err != nil {
		return err
	}
	if len(b) == 1 && b[0] != storeFormat {
		return fmt.Errorf("%w: %s has format %d, this version knows %d", ErrFormat, s.dir, b[0], storeFormat)
	}
	return nil
}

// settleGeneration finds out which generation the store is in and makes that
// durable in both places before anything else is done. If it is cut short, the
// next opening finds the two places different and begins another.
func (s *Store) settleGeneration() (why string, err error) {
	f := found{version: s.last}
	if f.outside, f.damaged, err = readMirror(s.cfg.mirror); err != nil {
		return "", err
	}
	b, err := s.readNow(metaGeneration)
	if err != nil {
		return "", err
	}
	if b != nil {
		f.inside = &mirror{}
		if err := json.Unmarshal(b, f.inside); err != nil {
			return "", fmt.Errorf("%w: generation", errCorrupt)
		}
	}
	high, err := s.readNow(metaHigh)
	if err != nil {
		return "", err
	}
	f.version = max(f.version, decodeHigh(high))
	f.empty = s.isEmpty()
	s.gen, why = f.judge(s.Now(), newID)
	if f.inside == nil || !s.gen.sameLife(*f.inside) {
		if b, err = json.Marshal(s.gen); err != nil {
			return "", err
		}
		if f.outside != nil {
			// Versions go on where the lost ones ended: the next backup that is
			// put back must be older than the file again.
			s.last = max(s.last, f.outside.High)
		}
		err = s.commitNow([]write{
			{key: metaFormat, value: []byte{storeFormat}},
			{key: metaGeneration, value: b},
			{key: metaHigh, value: encodeHigh(s.last + 1)},
		})
		if err != nil {
			return "", err
		}
	}
	s.last = max(s.last, f.version)
	s.gen.High = max(f.version, 1)
	if f.outside != nil && s.gen.sameLife(*f.outside) {
		s.gen.High = f.outside.High
		s.mirrored = s.gen
		return why, nil
	}
	s.gen.High = s.last
	s.mirrored = s.gen
	return why, writeMirror(s.cfg.mirror, s.gen)
}

// isEmpty tells whether there is nothing but what the store knows of itself.
func (s *Store) isEmpty() bool {
	txn := s.db.NewTransactionAt(s.last, false)
	defer txn.Discard()
	it := txn.NewIterator(keysOnly(nil))
	defer it.Close()
	it.Rewind()
	if it.ValidForPrefix([]byte{tableMeta}) {
		it.Seek([]byte{tableMeta + 1})
	}
	return !it.Valid()
}

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
	return errors.Join(err, s.slot.close(), s.db.Close())
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
	return s.gen.generation(), nil
}

// Dir is the directory's real path.
func (s *Store) Dir() string { return s.dir }

func (s *Store) log() *zap.Logger { return s.cfg.log() }

var _ payment.Store = (*Store)(nil)
