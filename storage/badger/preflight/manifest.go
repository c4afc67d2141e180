package preflight

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	bdb "github.com/dgraph-io/badger/v4"

	"github.com/rahgir/caddy-payments/storage/badger/journal"
	"github.com/rahgir/caddy-payments/storage/internal/crc"
)

// Note is what the journal's head remembers of Badger's files.
type Note struct {
	Tables manifestMark `json:"tables"`
}

// Size returns the length of Badger's list of tables, in bytes.
func (n Note) Size() int64 { return n.Tables.Size }

// TakeNote notes what Badger's list of tables says now, which is on the disk when it
// returns.
func TakeNote(dir string) (Note, error) {
	m, err := markManifest(dir)
	return Note{m}, err
}

// manifestMark is how Badger's list of tables began, and how long it was. The list
// only grows, until Badger writes a new one.
type manifestMark struct {
	Size  int64  `json:"size"`
	Sum   uint32 `json:"sum"`   // CRC-32C of so many bytes
	First uint32 `json:"first"` // of its first change, by which it is known
}

func markManifest(dir string) (manifestMark, error) {
	f, err := os.OpenFile(filepath.Join(dir, bdb.ManifestFilename), os.O_RDWR, 0)
	if err != nil {
		return manifestMark{}, fmt.Errorf("the list of tables: %w", err)
	}
	defer f.Close()
	b, err := os.ReadFile(f.Name())
	if err == nil {
		err = f.Sync() // what is read is on the disk
	}
	if err != nil {
		return manifestMark{}, fmt.Errorf("the list of tables: %w", err)
	}
	first, _ := firstChange(b)
	return manifestMark{Size: int64(len(b)), Sum: crc.Of(b), First: first}, nil
}

const manifestHead, changeHead = 8, 8

func firstChange(b []byte) (sum uint32, ok bool) {
	if len(b) < manifestHead+changeHead {
		return 0, false
	}
	n := uint64(binary.BigEndian.Uint32(b[manifestHead:]))
	if n > uint64(len(b)-manifestHead-changeHead) {
		return 0, false
	}
	return crc.Of(b[manifestHead : manifestHead+changeHead+int(n)]), true
}

// holds reports whether a list of tables, of which Badger can read up to end,
// still says what it said when it was marked.
func (m manifestMark) holds(b []byte, end int64) bool {
	first, ok := firstChange(b)
	if ok && first != m.First {
		return true // written anew: it does not begin as it did
	}
	return ok && end >= m.Size && crc.Of(b[:m.Size]) == m.Sum
}

// checkManifest gives the tables that Badger will open. Badger takes a list that
// ends in the middle of a change for one that was being written, and deletes the
// tables that it does not name.
func checkManifest(dir string, o Options) (map[uint64]bdb.TableManifest, error) {
	path := filepath.Join(dir, bdb.ManifestFilename)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nothingYet(dir, o)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the list of tables: %w", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the list of tables: %w", err)
	}
	defer f.Close()
	list, end, err := bdb.ReplayManifestFile(f, 0, o.Badger)
	if err != nil {
		return nil, fmt.Errorf("%w: its list of tables (%s): %w", ErrDamaged, path, err)
	}
	var note Note
	if raw, ok := journal.Note(o.Journal); ok && json.Unmarshal(raw, &note) == nil && !note.Tables.holds(b, end) {
		return nil, fmt.Errorf("%w: its list of tables (%s) has lost entries", ErrDamaged, path)
	}
	return list.Tables, nil
}

// nothingYet refuses a directory that has files and no list of tables: Badger would
// begin anew, and delete what it finds.
func nothingYet(dir string, o Options) error {
	for _, pattern := range []string{filepath.Join(dir, "*.sst"), filepath.Join(dir, "*.mem"), filepath.Join(o.Journal, "*")} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return fmt.Errorf("looking at the store's files: %w", err)
		}
		if len(found) > 0 {
			return fmt.Errorf("%w: its list of tables (MANIFEST) is missing, and %s is there", ErrDamaged, found[0])
		}
	}
	return nil
}
