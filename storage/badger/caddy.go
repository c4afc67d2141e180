package badger

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage"
	"github.com/rahgir/caddy-payments/storage/internal/shared"
)

// Only this file knows Caddy.

func init() {
	caddy.RegisterModule(&Module{})
}

// Module keeps the ledger in a directory of this machine, for one Caddy. It is
// the default storage.
//
// The app opens the directory when it starts. All configurations of the process that
// name the directory share it, so a reload neither closes nor reopens it. By the file
// `<dir>.generation` beside it Caddy notices that a ledger was lost or restored. Don't
// include that file in a backup of the directory.
type Module struct {
	// The ledger's directory. A relative path is below Caddy's data directory. Default:
	// `payments`.
	Dir string `json:"dir,omitempty"`
	// The file by which Caddy notices that the ledger was lost or restored. It must be
	// outside of the directory. A relative path is below Caddy's data directory. Default:
	// the directory's real path with `.generation` at its end.
	Generation string `json:"generation,omitempty"`
	// No new payment begins when the disk has fewer free bytes than this. Default: 5 % of
	// the disk, but at least 256 MiB, at most 1 GiB, and never more than a quarter of the
	// disk.
	MinFree uint64 `json:"min_free,omitempty"`
	// How many visits are kept (`keep store`). Beyond that the oldest are deleted.
	// Default: 1,000,000.
	MaxTracks int `json:"max_tracks,omitempty"`
}

// CaddyModule implements [caddy.Module].
func (*Module) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "payments.storage.badger",
		New: func() caddy.Module { return new(Module) },
	}
}

// Validate implements [caddy.Validator]. It looks at no disk.
func (m *Module) Validate() error {
	if m.MaxTracks < 0 {
		return fmt.Errorf("max_tracks is negative: %d", m.MaxTracks)
	}
	dir, opts := m.open()
	return outside(filepath.Clean(dir), newConfig(opts).generationFile)
}

// UnmarshalCaddyfile sets up the storage from Caddyfile tokens:
//
//	storage badger [<dir>] {
//		dir        <dir>
//		generation <file>
//		min_free   <size>
//		max_tracks <n>
//	}
func (m *Module) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the module's name
	if d.NextArg() {
		m.Dir = d.Val()
	}
	if d.NextArg() {
		return block.TooMuch(d, "storage badger")
	}
	return block.Parse(d, "storage badger", []block.Option{
		block.Value("dir", func(v string) error {
			if m.Dir != "" {
				return block.ErrTwice
			}
			m.Dir = v
			return nil
		}),
		block.String("generation", &m.Generation),
		block.Value("min_free", func(v string) (err error) { m.MinFree, err = parseSize(v); return err }),
		block.Value("max_tracks", func(v string) (err error) { m.MaxTracks, err = parseCount(v); return err }),
	})
}

// parseSize reads a size as people write it: 512MiB, 1GB.
func parseSize(s string) (uint64, error) {
	n, err := humanize.ParseBytes(s)
	if err != nil || n == 0 {
		return 0, errors.New("not a size: write 512MiB or 1GiB")
	}
	return n, nil
}

// parseCount reads a number of things, at least one.
func parseCount(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, errors.New("not a number: write 500000")
	}
	return n, nil
}

// Open implements [storage.Opener].
func (m *Module) Open(ctx context.Context, log *zap.Logger) (payment.Store, func() error, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	dir, opts := m.open()
	h, err := Acquire(dir, append(opts, WithLogger(func() *zap.Logger { return caddy.Log().Named("payments.storage.badger") }))...)
	if err != nil {
		return nil, nil, err
	}
	if gen, err := h.Generation(ctx); err == nil && log != nil {
		records, exact := h.Count()
		minFree, free := h.disk.Now()
		log.Info("the ledger is open", zap.String("dir", h.Dir()), zap.String("id", gen.ID),
			zap.Uint32("generation", gen.Seq), zap.Int64("records", records), zap.Bool("counted", exact),
			zap.Bool("shared", h.Shared), zap.Uint64("min_free_mib", minFree/mib), zap.Uint64("free_mib", free/mib),
			zap.Int64("max_tracks", h.counts.maxTracks.Load()))
	}
	if h.Shared && h.kept != h.cfg.generationFile && log != nil {
		log.Warn("the generation file of an open ledger can't be changed; restart Caddy to use the new one",
			zap.String("now", h.cfg.generationFile), zap.String("then", h.kept))
	}
	return h.Store, h.Release, nil
}

// open gives the ledger's directory, and how it is opened.
func (m *Module) open() (dir string, opts []Option) {
	if m.Generation != "" {
		opts = append(opts, WithGenerationFile(underData(m.Generation)))
	}
	if m.MinFree != 0 {
		opts = append(opts, WithMinFree(m.MinFree))
	}
	if m.MaxTracks != 0 {
		opts = append(opts, WithMaxTracks(m.MaxTracks))
	}
	dir = m.Dir
	if dir == "" {
		dir = "payments"
	}
	return underData(dir), opts
}

// outside refuses a generation file that lies in the ledger's directory: what
// loses the ledger, or puts an old one back, would take the witness along, and
// nobody would notice.
func outside(dir, file string) error {
	if file == "" {
		return nil
	}
	rel, err := filepath.Rel(dir, filepath.Clean(file))
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return nil
	}
	return fmt.Errorf("generation %s lies in the ledger's own directory, where it is lost and restored with the ledger: leave it out, which keeps %s.generation beside it, or name a file elsewhere", file, dir)
}

func underData(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(caddy.AppDataDir(), path)
}

// Handle is one use of a store, which other configurations of the process may use as
// well.
type Handle struct {
	*Store
	// Shared is whether the store was open before. Then the limits that were asked for
	// are in force, and everything else is as its first opening asked for.
	Shared  bool
	kept    string // the generation file that was asked for
	release func() error
}

// Release gives the handle back; the store is closed with its last one. Later
// calls do nothing.
func (h *Handle) Release() error { return h.release() }

// pool has the open stores of this process by their real directories.
var pool = shared.New[*Store]()

// Acquire opens the store in dir, or joins it if this process has it open.
func Acquire(dir string, opts ...Option) (*Handle, error) {
	dir, err := realDir(dir)
	if err != nil {
		return nil, err
	}
	s, joined, release, err := pool.Acquire(dir, func() (*Store, error) { return Open(dir, opts...) })
	if err != nil {
		return nil, err
	}
	c := newConfig(opts)
	if c.generationFile == "" {
		c.generationFile = dir + ".generation"
	}
	disclaim := s.claims.Add(limits{c.minFree, c.maxTracks}, s.limit)
	return &Handle{Store: s, Shared: joined, kept: c.generationFile, release: func() error {
		disclaim()
		return release()
	}}, nil
}

// limits are what a configuration may change of a store that is open.
type limits struct {
	minFree   uint64
	maxTracks int64
}

// limit changes the limits of the store.
func (s *Store) limit(l limits) {
	s.counts.maxTracks.Store(l.maxTracks)
	s.poke()
	s.disk.Limit(l.minFree)
}

// Interface guards.
var (
	_ caddy.Module          = (*Module)(nil)
	_ caddy.Validator       = (*Module)(nil)
	_ caddyfile.Unmarshaler = (*Module)(nil)
	_ storage.Opener        = (*Module)(nil)
)
