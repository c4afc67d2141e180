package badger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	bdb "github.com/dgraph-io/badger/v4"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage"
	"github.com/rahgir/caddy-payments/storage/badger/journal"
	"github.com/rahgir/caddy-payments/storage/internal/durable"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// Badger believes its own files too much: a log is read up to the first entry
// that is not whole, and what lies behind is cut off without a word. So every
// commit is also written into a journal, which is what is synced before a caller
// is told. At open the two are compared.

// journalDir is where the journal lies, in the store's directory.
const journalDir = "journal"

var (
	// metaJournal names the journal that belongs to the store.
	metaJournal = []byte{tableMeta, 'j'}
	// metaHarm is what the journal said against the store, until a new generation
	// has begun.
	metaHarm = []byte{tableMeta, 'w'}
)

// witness is what the journal said when the store was opened.
type witness struct {
	// harm is why nobody can tell what the store has lost, or empty.
	harm string
	// records and entries are what Badger had lost and was written again.
	records, entries int
	// aside is where a damaged journal was put.
	aside string
}

// openJournal compares what Badger has with the journal, begins or continues
// that, and writes again what Badger lost.
func (s *Store) openJournal() error {
	dir := filepath.Join(s.dir, journalDir)
	wrote := map[string]written{}
	found, err := journal.Read(dir, func(f journal.Frame) error {
		writes, err := decodeWrites(f.Payload)
		for _, w := range writes {
			wrote[string(w.key)] = written{f.Version, w.del}
		}
		return err
	})
	if errors.Is(err, packed.ErrCorrupt) {
		found.Exists, found.Damage, err = true, err, nil
	}
	if err != nil {
		return err
	}
	mark, err := s.readNow(metaJournal)
	if err != nil {
		return err
	}
	_, marked := wrote[string(metaJournal)]
	height := s.last
	s.seen.harm = judgeJournal(found, mark, marked, height)
	var again map[string]write
	if s.seen.harm != notIts {
		s.last = max(s.last, found.Last)
		lost, err := s.lost(wrote)
		if err != nil {
			return err
		}
		if again, err = readAgain(dir, lost); err != nil {
			return err
		}
	}
	if err := s.keepHarm(); err != nil {
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
		return s.commitNow([]write{{key: metaJournal, value: []byte(s.journal.ID())}})
	}
	return nil
}

const notIts = "its journal belongs to another ledger"

// judgeJournal says why a journal can't vouch for a store whose newest commit
// has the version height, or "". mark is the journal's name in the store; marked,
// whether the journal itself says that it was put there. A commit of which
// nobody was told may be in the store alone. It is pure.
func judgeJournal(found journal.Found, mark []byte, marked bool, height uint64) string {
	switch {
	case !found.Exists && mark == nil:
		return "" // the store is new, or older than journals
	case !found.Exists:
		return "its journal is missing"
	case found.ID == "":
		return found.Damage.Error()
	case mark != nil && string(mark) != found.ID, mark == nil && !marked && found.Frames > 0:
		return notIts
	case found.Damage != nil:
		return found.Damage.Error()
	case height > found.Last+1:
		return "its journal ends before it does"
	case height < found.First:
		return "it holds less than it did when its journal was last shortened"
	}
	return ""
}

// keepHarm writes down what the journal says before anything is done about it:
// if the opening is cut short, the next one must not find all in order. The new
// generation takes it away again.
func (s *Store) keepHarm() error {
	was, err := s.readNow(metaHarm)
	if err != nil {
		return err
	}
	if s.seen.harm == "" {
		s.seen.harm = string(was)
		return nil
	}
	txn := s.db.NewTransactionAt(s.last, true)
	defer txn.Discard()
	if err := txn.Set(metaHarm, []byte(s.seen.harm)); err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	if err := txn.CommitAt(s.last+1, nil); err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	if err := s.db.Sync(); err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	s.last++
	return nil
}

// Remarks implements [storage.Remarker].
func (s *Store) Remarks() []storage.Remark {
	out := []storage.Remark{{Code: "journal", Text: "the ledger and its journal agreed when it was opened"}}
	if s.seen.entries > 0 {
		out = []storage.Remark{{Bad: true, Code: "journal", Text: fmt.Sprintf(
			"when it was opened, the ledger had lost %d entries, of %d payments; they were written again from its journal. Nothing is missing; if there was no power cut, look at the disk",
			s.seen.entries, s.seen.records)}}
	}
	if s.seen.harm != "" {
		text := "when it was opened, nobody could tell what the ledger had lost: " + s.seen.harm
		if s.seen.aside != "" {
			text += "; the old journal is kept in " + s.seen.aside
		}
		out = append(out, storage.Remark{Bad: true, Code: "journal", Text: text})
	}
	if cause := s.ruined.Load(); cause != nil {
		out = append(out, storage.Remark{Bad: true, Code: "damaged", Text: (*cause).Error()})
	}
	return out
}

// beginJournal goes on with the journal that was found, or begins one. A damaged
// one is kept for whoever wants to look at it.
func (s *Store) beginJournal(dir string, found journal.Found) (err error) {
	size := min(s.cfg.memTable/2, journal.DefaultSegment)
	if s.seen.harm == "" && found.Exists {
		s.journal, err = journal.Continue(dir, found, size)
		return err
	}
	if found.Exists {
		s.seen.aside = fmt.Sprintf("%s-damaged-%s", dir, time.Now().UTC().Format("20060102T150405.000000000"))
		if err := os.Rename(dir, s.seen.aside); err != nil {
			return fmt.Errorf("putting the journal aside: %w", err)
		}
	}
	s.journal, err = journal.Create(dir, s.last, size)
	return err
}

// record writes a batch into the journal. An error means that it is not in there
// and never will be, unless the journal is broken.
func (s *Store) record(ts uint64, writes ...[]write) error {
	s.frame = s.frame[:0]
	for _, ws := range writes {
		s.frame = appendWrites(s.frame, ws)
	}
	err := s.journal.Append(journal.Frame{Version: ts, Payload: s.frame})
	if cap(s.frame) > mib {
		s.frame = nil
	}
	return err
}

// refusal is what callers are told whose changes the journal did not take.
func (s *Store) refusal(err error) error {
	s.space.check()
	s.log().Error("the journal refused a change: nothing was written", zap.String("dir", s.dir), zap.Error(err))
	return fmt.Errorf("%w: %w", payment.ErrFull, err)
}

// shorten drops what Badger holds in tables: they have checksums, and a table is
// not lost unless the list of them is, which the journal's head knows. What
// version a table goes up to says that everything up to there is in tables:
// Badger flushes in the order of the commits.
func (s *Store) shorten() error {
	if s.journal.Old() == 0 {
		return nil
	}
	if err := durable.SyncDir(s.dir); err != nil {
		return err
	}
	note, err := s.note()
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

// headNote is what the journal's head keeps for the store.
type headNote struct {
	Tables manifestMark `json:"tables"`
}

func (s *Store) note() (headNote, error) {
	m, err := markManifest(s.dir)
	return headNote{m}, err
}

// keepNote writes down how long Badger's list of tables has become.
func (s *Store) keepNote() error {
	st, err := os.Stat(filepath.Join(s.dir, bdb.ManifestFilename))
	if err != nil || st.Size() == s.listed {
		return err
	}
	note, err := s.note()
	if err != nil {
		return err
	}
	if err := s.journal.SetNote(note); err != nil {
		return err
	}
	s.listed = note.Tables.Size
	return nil
}

// closeJournal is called when Badger is closed, and has put everything into
// tables.
func (s *Store) closeJournal(clean bool) error {
	note, err := s.note()
	if err != nil {
		return errors.Join(err, s.journal.Close(false, nil))
	}
	return s.journal.Close(clean, note)
}

// Interface guard.
var _ storage.Remarker = (*Store)(nil)
