package badger

import (
	"bytes"
	"errors"
	"fmt"

	bdb "github.com/dgraph-io/badger/v4"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/storage/badger/journal"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// written is the last that the journal knows of a key.
type written struct {
	version uint64
	del     bool
}

// lost gives the keys whose last write Badger does not have, with its version.
func (s *Store) lost(wrote map[string]written) (map[string]uint64, error) {
	out := map[string]uint64{}
	txn := s.db.NewTransactionAt(s.last, false)
	defer txn.Discard()
	for key, w := range wrote {
		item, err := txn.Get([]byte(key))
		switch {
		case err == nil && item.Version() >= w.version:
		case err == nil:
			out[key] = w.version
		case !errors.Is(err, bdb.ErrKeyNotFound):
			return nil, fmt.Errorf("comparing the store with its journal: %w", err)
		case !w.del && !deletedSince(txn, key, w.version):
			out[key] = w.version
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

// readAgain takes the writes that were lost from the journal.
func readAgain(dir string, lost map[string]uint64) (map[string]write, error) {
	out := make(map[string]write, len(lost))
	if len(lost) == 0 {
		return out, nil
	}
	_, err := journal.Read(dir, func(f journal.Frame) error {
		writes, err := decodeWrites(f.Payload)
		for _, w := range writes {
			if lost[string(w.key)] == f.Version {
				out[string(w.key)] = write{key: bytes.Clone(w.key), value: bytes.Clone(w.value), del: w.del}
			}
		}
		return err
	})
	if errors.Is(err, packed.ErrCorrupt) {
		err = nil // said once already
	}
	return out, err
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
			s.seen.records++
		}
		s.seen.entries++
		if len(part) > 0 && (size+w.size() > s.maxSize || len(part)+1 > s.maxCount) {
			if err := flush(); err != nil {
				return err
			}
		}
		part, size = append(part, w), size+w.size()
	}
	if err := flush(); err != nil {
		return err
	}
	s.log().Warn("Badger's log had lost its end, by a power cut or by damage; what was missing was written again from the journal",
		zap.String("dir", s.dir), zap.Int("records", s.seen.records), zap.Int("entries", s.seen.entries))
	return nil
}
