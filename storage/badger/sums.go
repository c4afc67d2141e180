package badger

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

	boptions "github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/table"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/storage/internal/durable"
)

// sumsFile remembers of each table that was found whole what all its bytes add
// up to. Reading a file and adding it up is some ten times faster than unpacking
// its blocks, and a table never changes. Nothing rests on the file: a table that
// it does not know, or knows otherwise, is unpacked and compared with its own
// checksums, as all are where the file is missing or damaged.
const sumsFile = "CHECKED"

// tableSum is what a table was when all its blocks were compared with their
// checksums.
type tableSum struct {
	Size int64                    `json:"size"`
	Sum  uint32                   `json:"sum"` // CRC-32C of the file
	How  boptions.CompressionType `json:"how"`
}

// tableSums are those of a ledger, by the tables' numbers.
type tableSums map[uint64]tableSum

// readSums gives what is remembered, and nothing where that can't be believed.
func readSums(dir string) (tableSums, error) {
	b, err := os.ReadFile(filepath.Join(dir, sumsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the checksums of the tables: %w", err)
	}
	var sums tableSums
	if len(b) < crc32.Size || castagnoli(b[crc32.Size:]) != binary.BigEndian.Uint32(b) || json.Unmarshal(b[crc32.Size:], &sums) != nil {
		return nil, nil
	}
	return sums, nil
}

// keepSums writes the file, for the next opening. Without it that is slower.
func (s *Store) keepSums(sums tableSums) {
	body, err := json.Marshal(sums)
	if err == nil {
		b := binary.BigEndian.AppendUint32(nil, castagnoli(body))
		err = durable.WriteFile(filepath.Join(s.dir, sumsFile), append(b, body...))
	}
	if err != nil {
		s.log().Warn("writing the checksums of the tables: the next opening will take longer", zap.String("dir", s.dir), zap.Error(err))
	}
	s.sums = sums
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
		sum.Sum = crc32.Update(sum.Sum, castagnoliTable(), room[:n])
		sum.Size += int64(n)
		if errors.Is(err, io.EOF) {
			return sum, nil
		}
		if err != nil {
			return tableSum{}, err
		}
	}
}

// checkLive reads tables while the store is open. All of them now and then: what
// has rotted since would be read as missing. And those that were written since
// it was last called, so that the next opening knows them. A store that is found
// damaged answers nobody.
func (s *Store) checkLive(ctx context.Context, all bool) {
	s.checking.Lock()
	defer s.checking.Unlock()
	sums := make(tableSums, len(s.sums))
	changed := false
	room := make([]byte, readSize)
	for _, t := range s.db.Tables() {
		if ctx.Err() != nil {
			return
		}
		was, known := s.sums[t.ID]
		if !known || all {
			is, err := checkFile(table.NewFilename(t.ID, s.dir), boptions.Snappy, was, room)
			if err != nil && !s.holdsTable(t.ID) {
				continue // it was compacted away meanwhile
			}
			if errors.Is(err, ErrDamaged) {
				s.ruin(err)
				return
			}
			if err != nil {
				s.log().Warn("reading a table", zap.String("dir", s.dir), zap.Error(err))
				continue
			}
			changed = changed || is != was
			was = is
		}
		sums[t.ID] = was
	}
	if changed {
		s.keepSums(sums)
	}
}

// holdsTable reports whether Badger still uses a table. It deletes none before.
func (s *Store) holdsTable(id uint64) bool {
	for _, t := range s.db.Tables() {
		if t.ID == id {
			return true
		}
	}
	return false
}
