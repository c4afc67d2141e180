package badger

import (
	"context"
	"io/fs"
	"path/filepath"

	"github.com/rahgir/caddy-payments/storage"
	"github.com/rahgir/caddy-payments/storage/badger/disk"
)

// Measure implements [storage.Measurer]. The file that is kept in reserve is room,
// not ledger.
func (s *Store) Measure(ctx context.Context) (storage.Measure, error) {
	m := storage.Measure{Room: -1, Nodes: 1}
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == disk.ReserveFile {
			return nil //nolint:nilerr // files come and go
		}
		if info, err := d.Info(); err == nil {
			m.Bytes += info.Size()
		}
		return ctx.Err()
	})
	if soft, free := s.disk.Now(); free > 0 {
		m.Room = max(0, int64(min(free, 1<<62))-int64(min(soft, 1<<62))) //nolint:gosec // bounded
	}
	return m, err
}

// Interface guard.
var _ storage.Measurer = (*Store)(nil)
