package badger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
)

// slotFile is what an older version kept lazy changes in that it had promised
// and not yet committed. The journal does that now; a file that was left behind
// is read once more, and deleted.
const slotFile = "LAZY"

// slotMagic is the first byte of a slot that counts; its length, the checksum of
// the rest, the version and the writes follow.
const slotMagic = 0xA1

// replaySlot commits the lazy changes that somebody was told of and that an
// older version's process did not live to commit.
func (s *Store) replaySlot() error {
	path := filepath.Join(s.dir, slotFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading lazy changes: %w", err)
	}
	if ts, writes, ok := decodeSlot(b); ok && ts == s.last+1 {
		if err := s.commitNow(writes); err != nil {
			return err
		}
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("deleting lazy changes: %w", err)
	}
	return nil
}

// decodeSlot gives the batch in a slot; ok is false if there is none that is
// whole.
func decodeSlot(b []byte) (ts uint64, writes []write, ok bool) {
	const head = 9
	if len(b) < head+timeSize || b[0] != slotMagic {
		return 0, nil, false
	}
	n := binary.BigEndian.Uint32(b[1:])
	if uint64(n) > uint64(len(b)-head) || n < timeSize {
		return 0, nil, false
	}
	body := b[head : head+int(n)]
	if crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)) != binary.BigEndian.Uint32(b[5:]) {
		return 0, nil, false
	}
	writes, err := decodeWrites(body[timeSize:])
	return binary.BigEndian.Uint64(body), writes, err == nil
}
