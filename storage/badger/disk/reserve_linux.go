package disk

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/rahgir/caddy-payments/storage/internal/durable"
)

// holdReserve makes the reserve with blocks that are really there.
func holdReserve(path string, size uint64) {
	if st, err := os.Stat(path); size == 0 || err == nil && uint64(st.Size()) == size {
		return
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	if unix.Fallocate(int(f.Fd()), 0, 0, int64(size)) != nil || durable.Inherit(path) != nil {
		_ = os.Remove(path) // without it there is only less room to spare
	}
}

// holdLogs gives Badger's write-ahead logs, which are sparse, their blocks: a
// commit then has room even if another program fills the disk between two
// measurements.
func holdLogs(dir string) {
	logs, err := filepath.Glob(filepath.Join(dir, "*.mem"))
	if err != nil {
		return
	}
	for _, path := range logs {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		var st unix.Stat_t
		if unix.Fstat(int(f.Fd()), &st) == nil && st.Blocks*512 < st.Size {
			// Only what the file covers already: Badger has truncated it to its
			// size, and cuts it off again when it is full.
			_ = unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, st.Size)
		}
		f.Close()
	}
}
