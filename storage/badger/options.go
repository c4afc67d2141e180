package badger

import (
	"time"

	bdb "github.com/dgraph-io/badger/v4"
	boptions "github.com/dgraph-io/badger/v4/options"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/storage/badger/disk"
)

const (
	mib = 1 << 20

	defaultMaxTracks = 1_000_000
	defaultReserve   = 32 * mib
)

// config is what Open's options set.
type config struct {
	log            func() *zap.Logger
	now            func() time.Time // the wall clock, but for tests
	generationFile string
	minFree        uint64
	reserve        uint64
	maxTracks      int64
	memTable       int64
	tick           time.Duration
	sieveSize      int
	looks          int              // see maxLooks
	sieving        func()           // before sieves are written, for tests
	onNewLife      func(why string) // beside the log, for tests
	freeSpace      func(dir string) (disk.Space, error)
	fastest        uint64 // see [disk.Options]
	openFrozen     bool
	commitHook     func(ts uint64) error // fails a commit, for tests
}

// Option changes how a store is opened.
type Option func(*config)

// WithLogger gives where the log goes. It is asked for each line, because the
// store outlives the configuration that opened it.
func WithLogger(log func() *zap.Logger) Option { return func(c *config) { c.log = log } }

// WithGenerationFile puts the generation file elsewhere than beside the
// directory, for a directory whose parent can't be written. It must not be
// inside the directory, and not be part of its backups.
func WithGenerationFile(path string) Option { return func(c *config) { c.generationFile = path } }

// WithMinFree sets below how many free bytes new work is refused. Default:
// [disk.DefaultMinFree].
func WithMinFree(n uint64) Option { return func(c *config) { c.minFree = n } }

// WithMaxTracks sets how many tracks are kept, since any visitor can make the store
// write one: beyond it the oldest go. Default: 1,000,000.
func WithMaxTracks(n int) Option { return func(c *config) { c.maxTracks = int64(n) } }

func newConfig(opts []Option) *config {
	nop := zap.NewNop()
	c := &config{
		log:       func() *zap.Logger { return nop },
		now:       time.Now,
		maxTracks: defaultMaxTracks,
		reserve:   defaultReserve,
		tick:      time.Second,
		sieveSize: sieveSize,
		looks:     maxLooks,
		sieving:   func() {},
		onNewLife: func(string) {},
		freeSpace: disk.Measure,
		fastest:   disk.Fastest,
	}
	for _, o := range opts {
		o(c)
	}
	return c
}

// badgerOptions returns the small profile: a payment ledger is written a few hundred
// times a second at most, and Caddy has other things to do with its memory.
func badgerOptions(dir string, c *config) bdb.Options {
	return bdb.DefaultOptions(dir).
		// What is synced for each commit is the journal: one file, where Badger would
		// sync two. Its own log follows within a second, see choreLoop.
		WithSyncWrites(false).
		// What money depends on.
		WithDetectConflicts(true).
		WithVerifyValueChecksum(true).
		// All tables are checked before Badger opens them, see preflight: its own
		// check at open ends the process where it finds something.
		WithChecksumVerificationMode(boptions.OnBlockRead).
		WithNumVersionsToKeep(1).
		// What keeps it small. The write-ahead log of a memtable is twice its
		// size; the value log stays empty, since everything is below the
		// threshold except a record with a huge body.
		WithMemTableSize(c.memTable).
		WithNumMemtables(2).
		WithNumLevelZeroTables(2).
		WithNumLevelZeroTablesStall(8).
		WithNumCompactors(2).
		WithValueLogFileSize(16 * mib).
		WithValueThreshold(c.memTable / 32).
		// A payment is looked up once or twice in its life, mostly while it is in
		// the memtable; older ones come from the kernel's page cache. Snappy in
		// blocks of 8 KiB keeps a payment under 450 bytes; Zstandard would keep it
		// under 400, for 15 MiB of memory.
		WithBlockCacheSize(1 * mib).
		WithIndexCacheSize(0).
		WithCompression(boptions.Snappy).
		WithBlockSize(8192).
		WithCompactL0OnClose(false). // a stop must not wait for a compaction
		WithMetricsEnabled(false).   // expvar is global and public
		WithLogger(logger{c.log})
}
