package badger

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	bdb "github.com/dgraph-io/badger/v4"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/storage/badger/journal"
	"github.com/rahgir/caddy-payments/storage/internal/durable"
)

// Badger's files are looked at before Badger opens them. What it does with
// damaged ones ends the process (a table whose block is not whole), deletes what
// was good (tables that a shortened list does not name), takes gigabytes (a log
// entry whose length is not what it was) or is silent.

// checkFiles returns an error that wraps ErrDamaged for what can't be mended.
func (s *Store) checkFiles() error {
	release, err := lockDir(s.dir)
	if err != nil {
		return err
	}
	defer release()
	tables, err := s.checkManifest()
	if err != nil {
		return err
	}
	known, err := readSums(s.dir)
	if err != nil {
		return err
	}
	s.sums, err = checkTables(s.dir, tables, known)
	if err != nil {
		return err
	}
	if !maps.Equal(s.sums, known) {
		s.keepSums(s.sums)
	}
	return s.trimLogs()
}

// manifestMark is how Badger's list of tables began, and how long it was. It
// only grows, until Badger writes it anew.
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
	return manifestMark{Size: int64(len(b)), Sum: castagnoli(b), First: first}, nil
}

func castagnoli(b []byte) uint32 { return crc32.Checksum(b, castagnoliTable()) }

func castagnoliTable() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

const manifestHead, changeHead = 8, 8

func firstChange(b []byte) (sum uint32, ok bool) {
	if len(b) < manifestHead+changeHead {
		return 0, false
	}
	n := uint64(binary.BigEndian.Uint32(b[manifestHead:]))
	if n > uint64(len(b)-manifestHead-changeHead) {
		return 0, false
	}
	return castagnoli(b[manifestHead : manifestHead+changeHead+int(n)]), true
}

// holds reports whether a list of tables, of which Badger can read up to end,
// still says what it said when it was marked.
func (m manifestMark) holds(b []byte, end int64) bool {
	first, ok := firstChange(b)
	if ok && first != m.First {
		return true // written anew: it does not begin as it did
	}
	return ok && end >= m.Size && castagnoli(b[:m.Size]) == m.Sum
}

// checkManifest gives the tables that Badger will open. Badger takes a list that
// ends in the middle of a change for one that was being written, and deletes the
// tables that it does not name.
func (s *Store) checkManifest() (map[uint64]bdb.TableManifest, error) {
	path := filepath.Join(s.dir, bdb.ManifestFilename)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, s.nothingYet()
	}
	if err != nil {
		return nil, fmt.Errorf("reading the list of tables: %w", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the list of tables: %w", err)
	}
	defer f.Close()
	list, end, err := bdb.ReplayManifestFile(f, 0, badgerOptions(s.dir, s.cfg))
	if err != nil {
		return nil, fmt.Errorf("%w: its list of tables (%s): %w", ErrDamaged, path, err)
	}
	var note headNote
	if raw, ok := journal.Note(filepath.Join(s.dir, journalDir)); ok && json.Unmarshal(raw, &note) == nil && !note.Tables.holds(b, end) {
		return nil, fmt.Errorf("%w: its list of tables (%s) says less than it did", ErrDamaged, path)
	}
	return list.Tables, nil
}

// nothingYet: without a list of tables Badger begins anew, and deletes what it
// finds.
func (s *Store) nothingYet() error {
	for _, pattern := range []string{"*.sst", "*.mem", filepath.Join(journalDir, "*")} {
		found, err := filepath.Glob(filepath.Join(s.dir, pattern))
		if err != nil {
			return fmt.Errorf("looking at the store's files: %w", err)
		}
		if len(found) > 0 {
			return fmt.Errorf("%w: its list of tables (MANIFEST) is missing, and %s is there", ErrDamaged, found[0])
		}
	}
	return nil
}

// trimLogs cuts off what follows the last whole entry of a log, as Badger would,
// which reads the length of a damaged one first, and makes room for it.
func (s *Store) trimLogs() error {
	logs, err := filepath.Glob(filepath.Join(s.dir, "*.mem"))
	if err != nil {
		return fmt.Errorf("looking at the store's files: %w", err)
	}
	for _, path := range logs {
		b, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("reading a log: %w", err)
		}
		if err := s.mendHeader(path, b); err != nil {
			return err
		}
		// What a memtable of another size wrote must fit into ours.
		for int64(len(b)) > 2*s.cfg.memTable+mib {
			s.cfg.memTable *= 2
		}
		end := logEnd(b)
		behind := len(durable.Written(b)) - end
		if behind <= 0 {
			continue
		}
		s.log().Warn("a log of the store ends with an entry that is not whole",
			zap.String("file", path), zap.Int("after", end), zap.Int("bytes", behind))
		if err := os.Truncate(path, int64(end)); err != nil {
			return fmt.Errorf("trimming a log: %w", err)
		}
	}
	return nil
}

// mendHeader puts back how a log begins: with the number of the key that it is
// encrypted with, and there never is one. Badger refuses any other that it
// doesn't know, and what the entries are is in their checksums.
func (s *Store) mendHeader(path string, b []byte) error {
	if len(b) < logHead || binary.BigEndian.Uint64(b) == 0 {
		return nil
	}
	s.log().Warn("a log of the store did not begin as it was written; mended", zap.String("file", path))
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("mending a log: %w", err)
	}
	defer f.Close()
	if _, err := f.WriteAt(make([]byte, 8), 0); err != nil {
		return fmt.Errorf("mending a log: %w", err)
	}
	return nil
}

const (
	logHead   = 20 // of a log: id of the key, initial vector
	maxLogKey = 1 << 16
)

// logEnd is where the last whole entry of a log ends. An entry is meta, user
// meta, the lengths of key and value, an expiry, key, value and a checksum.
func logEnd(b []byte) int {
	end := logHead
	for end < len(b) {
		e := b[end:]
		n := 2
		var nums [3]uint64
		for i := range nums {
			if n > len(e) {
				return end
			}
			v, used := binary.Uvarint(e[n:])
			if used <= 0 {
				return end
			}
			nums[i], n = v, n+used
		}
		klen, vlen := nums[0], nums[1]
		if klen == 0 || klen > maxLogKey || vlen > uint64(len(e)) || n+int(klen+vlen)+crc32.Size > len(e) {
			return end
		}
		n += int(klen + vlen)
		if castagnoli(e[:n]) != binary.BigEndian.Uint32(e[n:]) {
			return end
		}
		end += n + crc32.Size
	}
	return end
}
