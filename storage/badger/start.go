package badger

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/internal/failpoint"
	"github.com/rahgir/caddy-payments/storage"
	"github.com/rahgir/caddy-payments/storage/internal/generationfile"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// start makes the store ready for use.
func (s *Store) start() (err error) {
	// Only its owner may read it, also if the directory existed before.
	if err := os.Chmod(s.dir, 0o700); err != nil { //nolint:gosec // a directory needs the x
		return fmt.Errorf("the store's directory: %w", err)
	}
	s.queue = s.newQueue()
	if err := s.checkFormat(); err != nil {
		return err
	}
	if err := s.openJournal(); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = s.journal.Close(false, nil)
		}
	}()
	failpoint.Hit(failpoint.LedgerOpening)
	frozen, err := s.readNow(metaFrozen)
	if err != nil {
		return err
	}
	if why := storage.Frozen(frozen).Err(); why != nil && !s.cfg.openFrozen {
		return fmt.Errorf("%s: %w", s.dir, why)
	}
	why, err := s.settleGeneration()
	if err != nil {
		return err
	}
	failpoint.Hit(failpoint.LedgerOpening)
	if err := s.startCount(); err != nil {
		return err
	}
	failpoint.Hit(failpoint.LedgerOpening)
	if err := s.journal.keepNote(); err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.chores.stop = cancel
	if _, exact := s.Count(); !exact {
		s.chores.Add(1)
		go s.finishCount(ctx, s.queue.Last(), s.queue.Hold(s.queue.Last()))
	}
	s.chores.Add(3)
	go s.choreLoop(ctx)
	go s.sieveLoop(ctx)
	go s.trimLoop(ctx)
	s.poke()
	if why != "" {
		s.log().Error("the ledger may have lost payments; starting a new generation",
			zap.String("why", why), zap.String("journal_kept_in", s.opening.aside), zap.String("dir", s.dir), zap.Uint32("generation", s.gen.Seq))
		s.cfg.onNewLife(why)
	}
	return nil
}

// commitNow commits without the queue: before its first change, and after its end.
func (s *Store) commitNow(writes []write) error {
	txn := s.db.NewTransactionAt(s.queue.Last(), true)
	defer txn.Discard()
	if err := apply(txn, writes); err != nil {
		return err
	}
	next := s.queue.Last() + 1
	err := s.journal.record(next, writes)
	if err == nil {
		err = s.journal.Sync()
	}
	if err == nil {
		err = txn.CommitAt(next, nil)
	}
	if err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	s.queue.Advance(next)
	return nil
}

func (s *Store) readNow(key []byte) ([]byte, error) {
	txn := s.db.NewTransactionAt(s.queue.Last(), false)
	defer txn.Discard()
	return getCopy(txn, key)
}

// storeFormat is the format of the store as a whole: its tables and keys. Formats 1 and 2
// were written before the first release, and are read no more.
const storeFormat = 3

func (s *Store) checkFormat() error {
	b, err := s.readNow(metaFormat)
	if err != nil {
		return err
	}
	if len(b) == 1 && b[0] != storeFormat {
		return fmt.Errorf("%w: %s has format %d, this version knows %d only", ErrFormat, s.dir, b[0], storeFormat)
	}
	return nil
}

// settleGeneration finds out which generation the store is in and makes that
// durable in both places before anything else is done. If it is cut short, the
// next opening finds the two places different and begins another.
func (s *Store) settleGeneration() (why string, err error) {
	f := found{version: s.queue.Last()}
	if f.outside, f.damaged, err = generationfile.Read(s.cfg.generationFile); err != nil {
		return "", err
	}
	b, err := s.readNow(metaGeneration)
	if err != nil {
		return "", err
	}
	if b != nil {
		f.inside = &generationfile.Mark{}
		if err := json.Unmarshal(b, f.inside); err != nil {
			return "", fmt.Errorf("%w: generation", packed.ErrCorrupt)
		}
	}
	high, err := s.readNow(metaHigh)
	if err != nil {
		return "", err
	}
	f.version = max(f.version, decodeHigh(high))
	f.empty, f.doubt = s.isEmpty(), s.opening.doubt
	s.gen.Mark, why = f.judge(s.Now(), generationfile.NewID)
	if f.inside == nil || !s.gen.SameLife(*f.inside) {
		if b, err = json.Marshal(s.gen.Mark); err != nil {
			return "", err
		}
		if f.outside != nil {
			// Versions go on where the lost ones ended: the next backup that is
			// put back must be older than the file again.
			s.queue.Advance(f.outside.High)
		}
		err = s.commitNow([]write{
			{Key: metaFormat, Value: []byte{storeFormat}},
			{Key: metaGeneration, Value: b},
			{Key: metaHigh, Value: encodeHigh(s.queue.Last() + 1)},
			{Key: metaDoubt, Del: true},
		})
		if err != nil {
			return "", err
		}
	}
	s.queue.Advance(f.version)
	if f.outside != nil && s.gen.SameLife(*f.outside) {
		s.gen.High = f.outside.High
		s.gen.filed = s.gen.Mark
		return why, nil
	}
	s.gen.High = s.queue.Last()
	s.gen.filed = s.gen.Mark
	return why, generationfile.Write(s.cfg.generationFile, s.gen.Mark)
}

// isEmpty reports whether the store holds nothing but its own entries.
func (s *Store) isEmpty() bool {
	txn := s.db.NewTransactionAt(s.queue.Last(), false)
	defer txn.Discard()
	it := txn.NewIterator(keysOnly(nil))
	defer it.Close()
	it.Rewind()
	if it.ValidForPrefix([]byte{tableMeta}) {
		it.Seek([]byte{tableMeta + 1})
	}
	return !it.Valid()
}
