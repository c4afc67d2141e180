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

// journalDir is the journal's directory, in the store's.
const journalDir = "journal"

// ledgerJournal is the journal of a store.
type ledgerJournal struct {
	*journal.Journal
	dir string // the store's

	// Only the goroutine that writes has these.
	frame    []byte
	segments int // when it was last looked at

	noted int64 // length of Badger's list of tables, as the head says
}

// record writes a batch. An error means that the batch is not in the journal and never
// will be, unless the journal is broken.
func (j *ledgerJournal) record(ts uint64, writes ...[]write) error {
	j.frame = j.frame[:0]
	for _, ws := range writes {
		j.frame = journal.AppendWrites(j.frame, ws)
	}
	err := j.Append(journal.Frame{Version: ts, Payload: j.frame})
	if cap(j.frame) > mib {
		j.frame = nil
	}
	return err
}

// shorten drops what Badger holds in tables, which is everything up to a version:
// tables have checksums, and none is lost unless the list of them is, whose length the
// journal's head remembers.
func (j *ledgerJournal) shorten(inTables uint64) error {
	if j.Old() == 0 {
		return nil
	}
	if err := durable.SyncDir(j.dir); err != nil {
		return err
	}
	note, err := preflight.TakeNote(j.dir)
	if err != nil {
		return err
	}
	return j.Drop(inTables, note)
}

// inTables returns the version up to which everything is in tables: Badger flushes in the
// order of the commits.
func inTables(db *bdb.DB) (version uint64) {
	for _, t := range db.Tables() {
		version = max(version, t.MaxVersion)
	}
	return version
}

// keepNote writes down how long Badger's list of tables has become.
func (j *ledgerJournal) keepNote() error {
	st, err := os.Stat(filepath.Join(j.dir, bdb.ManifestFilename))
	if err != nil || st.Size() == j.noted {
		return err
	}
	note, err := preflight.TakeNote(j.dir)
	if err != nil {
		return err
	}
	if err := j.SetNote(note); err != nil {
		return err
	}
	j.noted = note.Size()
	return nil
}

// close is called when Badger is closed. clean says that it has put everything into
// tables.
func (j *ledgerJournal) close(clean bool) error {
	note, err := preflight.TakeNote(j.dir)
	if err != nil {
		return errors.Join(err, j.Close(false, nil))
	}
	return j.Close(clean, note)
}
