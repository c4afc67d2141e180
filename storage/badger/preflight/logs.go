package preflight

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/storage/internal/crc"
	"github.com/rahgir/caddy-payments/storage/internal/durable"
)

const mib = 1 << 20

// trimLogs cuts off what follows the last whole entry of a log. Badger would do so,
// too, but reads the length of a damaged entry first, and makes room for it. It gives
// a size of memtables that what is in the logs fits into.
func trimLogs(dir string, o Options) (memTable int64, err error) {
	memTable = o.Badger.MemTableSize
	logs, err := filepath.Glob(filepath.Join(dir, "*.mem"))
	if err != nil {
		return 0, fmt.Errorf("looking at the store's files: %w", err)
	}
	for _, path := range logs {
		b, err := os.ReadFile(path)
		if err != nil {
			return 0, fmt.Errorf("reading a log: %w", err)
		}
		if err := mendHeader(path, b, o); err != nil {
			return 0, err
		}
		// What a memtable of another size wrote must fit into the next one.
		for int64(len(b)) > 2*memTable+mib {
			memTable *= 2
		}
		end := logEnd(b)
		behind := len(durable.Written(b)) - end
		if behind <= 0 {
			continue
		}
		o.Log().Warn("the last entry of a log is incomplete and is cut off",
			zap.String("file", path), zap.Int("after", end), zap.Int("bytes", behind))
		if err := os.Truncate(path, int64(end)); err != nil {
			return 0, fmt.Errorf("trimming a log: %w", err)
		}
	}
	return memTable, nil
}

// mendHeader puts back how a log begins: with the number of the key that it is
// encrypted with, and there never is one. Badger refuses any other that it
// doesn't know, and what the entries are is in their checksums.
func mendHeader(path string, b []byte, o Options) error {
	if len(b) < logHead || binary.BigEndian.Uint64(b) == 0 {
		return nil
	}
	o.Log().Warn("the header of a log was damaged and has been repaired", zap.String("file", path))
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

// logEnd returns where the last whole entry of a log ends. An entry is meta, user
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
		if crc.Of(e[:n]) != binary.BigEndian.Uint32(e[n:]) {
			return end
		}
		end += n + crc32.Size
	}
	return end
}
