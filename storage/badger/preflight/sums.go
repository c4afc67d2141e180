package preflight

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	bdb "github.com/dgraph-io/badger/v4"
	boptions "github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/table"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/storage/internal/crc"
	"github.com/rahgir/caddy-payments/storage/internal/durable"
)

// SumsFile remembers of each table that was found whole what all its bytes add
// up to. Reading a file and adding it up is some ten times faster than unpacking
// its blocks, and a table never changes. Nothing rests on the file: a table that
// it does not know, or knows otherwise, is unpacked and compared with its own
// checksums, as all are where the file is missing or damaged.
const SumsFile = "CHECKED"

// tableSum is what a table was when all its blocks were compared with their
// checksums.
type tableSum struct {
	Size int64                    `json:"size"`
	Sum  uint32                   `json:"sum"` // CRC-32C of the file
	How  boptions.CompressionType `json:"how"`
}

// Sums are those of a store, by the tables' numbers.
type Sums map[uint64]tableSum

// ReadSums gives what is remembered of the tables in dir, and nothing if that
// can't be believed.
func ReadSums(dir string) (Sums, error) {
	b, err := os.ReadFile(filepath.Join(dir, SumsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the checksums of the tables: %w", err)
	}
	var sums Sums
	if len(b) < crc32.Size || crc.Of(b[crc32.Size:]) != binary.BigEndian.Uint32(b) || json.Unmarshal(b[crc32.Size:], &sums) != nil {
		return nil, nil
	}
	return sums, nil
}

// Write writes the file, for the next opening.
func (s Sums) Write(dir string) error {
	body, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("writing the checksums of the tables: %w", err)
	}
	b := binary.BigEndian.AppendUint32(nil, crc.Of(body))
	if err := durable.WriteFile(filepath.Join(dir, SumsFile), append(b, body...)); err != nil {
		return fmt.Errorf("writing the checksums of the tables: %w", err)
	}
	return nil
}

// sumFile adds a file up in room, which is any buffer.
func sumFile(path string, how boptions.CompressionType, room []byte) (tableSum, error) {
	f, err := os.Open(path)
	if err != nil {
		return tableSum{}, err
	}
	defer f.Close()
	sum := tableSum{How: how}
	for {
		n, err := f.Read(room)
		sum.Sum = crc.Add(sum.Sum, room[:n])
		sum.Size += int64(n)
		if errors.Is(err, io.EOF) {
			return sum, nil
		}
		if err != nil {
			return tableSum{}, err
		}
	}
}

// Tables are the tables of a store that is open.
type Tables struct {
	dir string
	log func() *zap.Logger

	mu   sync.Mutex
	sums Sums // as they stand in SumsFile
}

// Sums gives what is known of them.
func (t *Tables) Sums() Sums {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sums
}

// keep remembers sums. If they can't be written, only the next opening is slower.
func (t *Tables) keep(sums Sums) {
	if err := sums.Write(t.dir); err != nil {
		t.log().Warn("the next opening will take longer", zap.String("dir", t.dir), zap.Error(err))
	}
	t.sums = sums
}

// Check reads the tables that live names: all of them, because what has rotted since
// would be read as missing; or only those that were written since it was last called,
// so that the next opening knows them. It returns nothing but errors that wrap
// [ErrDamaged].
func (t *Tables) Check(ctx context.Context, live func() []bdb.TableInfo, all bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	sums := make(Sums, len(t.sums))
	changed := false
	room := make([]byte, readSize)
	for _, tb := range live() {
		if ctx.Err() != nil {
			return nil
		}
		was, known := t.sums[tb.ID]
		if !known || all {
			is, err := checkFile(table.NewFilename(tb.ID, t.dir), boptions.Snappy, was, room)
			if err != nil && !names(live(), tb.ID) {
				continue // it was compacted away meanwhile
			}
			if errors.Is(err, ErrDamaged) {
				return err
			}
			if err != nil {
				t.log().Warn("reading a table", zap.String("dir", t.dir), zap.Error(err))
				continue
			}
			changed = changed || is != was
			was = is
		}
		sums[tb.ID] = was
	}
	if changed {
		t.keep(sums)
	}
	return nil
}

// names reports whether Badger still uses a table. It deletes none before.
func names(live []bdb.TableInfo, id uint64) bool {
	return slices.ContainsFunc(live, func(t bdb.TableInfo) bool { return t.ID == id })
}
