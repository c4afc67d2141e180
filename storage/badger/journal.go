package badger

import (
	"errors"
	"os"
	"path/filepath"

	bdb "github.com/dgraph-io/badger/v4"

	"github.com/rahgir/caddy-payments/storage/badger/journal"
	"github.com/rahgir/caddy-payments/storage/badger/preflight"
	"github.com/rahgir/caddy-payments/storage/internal/durable"
)

// journalDir is where the journal lies, in the store's directory.
const journalDir = "journal"

// record writes a batch into the journal. An error means that the batch is not in
// there and never will be, unless the journal is broken.
func (s *Store) record(ts uint64, writes ...[]write) error {
	s.frame = s.frame[:0]
	for _, ws := range writes {
		s.frame = journal.AppendWrites(s.frame, ws)
	}
	err := s.journal.Append(journal.Frame{Version: ts, Payload: s.frame})
	if cap(s.frame) > mib {
		s.frame = nil
	}
	return err
}

// shorten drops from the journal what Badger holds in tables: tables have checksums,
// and none is lost unless the list of them is, whose length the journal's head
// remembers. Badger flushes in the order of the commits, so everything up to the
// newest version in a table is in tables.
func (s *Store) shorten() error {
	if s.journal.Old() == 0 {
		return nil
	}
	if err := durable.SyncDir(s.dir); err != nil {
		return err
	}
	note, err := preflight.TakeNote(s.dir)
	if err != nil {
		return err
	}
	return s.journal.Drop(inTables(s.db), note)
}

func inTables(db *bdb.DB) (version uint64) {
	for _, t := range db.Tables() {
		version = max(version, t.MaxVersion)
	}
	return version
}

// keepNote writes down how long Badger's list of tables has become.
func (s *Store) keepNote() error {
	st, err := os.Stat(filepath.Join(s.dir, bdb.ManifestFilename))
	if err != nil || st.Size() == s.listed {
		return err
	}
	note, err := preflight.TakeNote(s.dir)
	if err != nil {
		return err
	}
	if err := s.journal.SetNote(note); err != nil {
		return err
	}
	s.listed = note.Size()
	return nil
}

// closeJournal is called when Badger is closed and has put everything into tables.
func (s *Store) closeJournal(clean bool) error {
	note, err := preflight.TakeNote(s.dir)
	if err != nil {
		return errors.Join(err, s.journal.Close(false, nil))
	}
	return s.journal.Close(clean, note)
}
