package badger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	bdb "github.com/dgraph-io/badger/v4"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/storage"
	"github.com/rahgir/caddy-payments/storage/badger/journal"
)

// Badger trusts its own files too much: it reads a log up to the first entry that
// is not whole, and cuts off what follows without logging it. So every commit is also
// written into a journal, which is what is synced before a caller is told. When the
// store is opened, the two are compared.

var (
	// metaJournal names the journal that belongs to the store.
	metaJournal = []byte{tableMeta, 'j'}
	// metaDoubt is what the journal said against the store, until a new generation
	// has begun.
	metaDoubt = []byte{tableMeta, 'w'}
)

// openReport is what was found out about the store when it was opened.
type openReport struct {
	// doubt is why nobody can tell what the store has lost, or empty.
	doubt string
	// records and entries are what Badger had lost and was written again.
	records, entries int
	// aside is where a damaged journal was put.
	aside string
}

// openJournal compares what Badger has with the journal, begins the journal or
// continues it, and writes again what Badger lost.
func (s *Store) openJournal() error {
	dir := filepath.Join(s.dir, journalDir)
	found, newest, err := journal.Index(dir)
	if err != nil {
		return err
	}
	mark, err := s.readNow(metaJournal)
	if err != nil {
		return err
	}
	_, marked := newest[string(metaJournal)]
	s.opening.doubt = found.Doubt(mark, marked, s.queue.Last())
	var again map[string]write
	if s.opening.doubt != journal.NotIts {
		s.queue.Advance(found.Last)
		lost, err := s.lost(newest)
		if err != nil {
			return err
		}
		if again, err = journal.Pick(dir, lost); err != nil {
			return err
		}
	}
	if err := s.keepDoubt(); err != nil {
		return err
	}
	if err := s.beginJournal(dir, found); err != nil {
		return err
	}
	if err := s.redo(again); err != nil {
		return err
	}
	if mark, err = s.readNow(metaJournal); err != nil {
		return err
	}
	if string(mark) != s.journal.ID() {
		return s.commitNow([]write{{Key: metaJournal, Value: []byte(s.journal.ID())}})
	}
	return nil
}

// keepDoubt writes down what the journal says before anything is done about it:
// if the opening is cut short, the next one must not take the store for sound. The
// new generation deletes it.
func (s *Store) keepDoubt() error {
	was, err := s.readNow(metaDoubt)
	if err != nil {
		return err
	}
	if s.opening.doubt == "" {
		s.opening.doubt = string(was)
		return nil
	}
	txn := s.db.NewTransactionAt(s.queue.Last(), true)
	defer txn.Discard()
	if err = txn.Set(metaDoubt, []byte(s.opening.doubt)); err == nil {
		err = txn.CommitAt(s.queue.Last()+1, nil)
	}
	if err == nil {
		err = s.db.Sync()
	}
	if err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	s.queue.Advance(s.queue.Last() + 1)
	return nil
}

// beginJournal continues the journal that was found, or begins one. A damaged one
// is kept for people to look at.
func (s *Store) beginJournal(dir string, found journal.Found) (err error) {
	s.journal.dir = s.dir
	size := min(s.cfg.memTable/2, journal.DefaultSegment)
	if s.opening.doubt == "" && found.Exists {
		s.journal.Journal, err = journal.Continue(dir, found, size)
		return err
	}
	if found.Exists {
		s.opening.aside = fmt.Sprintf("%s-damaged-%s", dir, time.Now().UTC().Format("20060102T150405.000000000"))
		if err := os.Rename(dir, s.opening.aside); err != nil {
			return fmt.Errorf("putting the journal aside: %w", err)
		}
	}
	s.journal.Journal, err = journal.Create(dir, s.queue.Last(), size)
	return err
}

// lost gives the keys whose last write Badger does not have, with its version.
func (s *Store) lost(newest map[string]journal.Last) (map[string]uint64, error) {
	out := map[string]uint64{}
	txn := s.db.NewTransactionAt(s.queue.Last(), false)
	defer txn.Discard()
	for key, w := range newest {
		item, err := txn.Get([]byte(key))
		switch {
		case err == nil && item.Version() >= w.Version:
		case err == nil:
			out[key] = w.Version
		case !errors.Is(err, bdb.ErrKeyNotFound):
			return nil, fmt.Errorf("comparing the store with its journal: %w", err)
		case !w.Del && !deletedSince(txn, key, w.Version):
			out[key] = w.Version
		}
	}
	return out, nil
}

// deletedSince reports whether a key that is not there was deleted after a
// version: by the one commit that may be in Badger and not in the journal.
func deletedSince(txn *bdb.Txn, key string, version uint64) bool {
	it := txn.NewKeyIterator([]byte(key), bdb.IteratorOptions{AllVersions: true})
	defer it.Close()
	it.Rewind()
	return it.Valid() && it.Item().Version() > version
}

// redo commits what was lost.
func (s *Store) redo(again map[string]write) error {
	if len(again) == 0 {
		return nil
	}
	var part []write
	size := 0
	flush := func() error {
		err := s.commitNow(part)
		part, size = part[:0], 0
		return err
	}
	for key, w := range again {
		if key[0] == tableRecord {
			s.opening.records++
		}
		s.opening.entries++
		if len(part) > 0 && (size+w.Size() > s.queue.MaxSize || len(part)+1 > s.queue.MaxEntries) {
			if err := flush(); err != nil {
				return err
			}
		}
		part, size = append(part, w), size+w.Size()
	}
	if err := flush(); err != nil {
		return err
	}
	s.log().Warn("Badger's log had lost its end, by a power cut or by damage; what was missing was written again from the journal",
		zap.String("dir", s.dir), zap.Int("records", s.opening.records), zap.Int("entries", s.opening.entries))
	return nil
}

// Remarks implements [storage.Remarker].
func (s *Store) Remarks() []storage.Remark {
	out := []storage.Remark{{Code: "journal", Text: "the ledger and its journal agreed when it was opened"}}
	if s.opening.entries > 0 {
		out = []storage.Remark{{Bad: true, Code: "journal", Text: fmt.Sprintf(
			"when it was opened, the ledger had lost %d entries, of %d payments; they were written again from its journal. Nothing is missing; if there was no power cut, look at the disk",
			s.opening.entries, s.opening.records)}}
	}
	if s.opening.doubt != "" {
		text := "when it was opened, nobody could tell what the ledger had lost: " + s.opening.doubt
		if s.opening.aside != "" {
			text += "; the old journal is kept in " + s.opening.aside
		}
		out = append(out, storage.Remark{Bad: true, Code: "journal", Text: text})
	}
	if cause := s.queue.Ruined(); cause != nil {
		out = append(out, storage.Remark{Bad: true, Code: "damaged", Text: cause.Error()})
	}
	return out
}

// Interface guard.
var _ storage.Remarker = (*Store)(nil)
