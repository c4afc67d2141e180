package postgres

import (
	"time"

	"go.uber.org/zap"
)

const (
	defaultConns     = 16
	defaultTimeout   = 5 * time.Second
	defaultMaxTracks = 1_000_000
)

// config is what Open's options set.
type config struct {
	log            func() *zap.Logger
	generationFile string
	conns          int
	timeout        time.Duration
	maxTracks      int64
	openFrozen     bool // open it although it is frozen
	// beat is how often a node shows that it lives, silence after how long
	// without it is taken for dead, yield how long what is due is left to its own
	// node alone.
	beat, silence, yield time.Duration
	onNewLife            func(why string) // beside the log, for tests
}

// Option changes how a store is opened.
type Option func(*config)

// WithLogger gives where the log goes. It is asked for each line, because the
// store outlives the configuration that opened it.
func WithLogger(log func() *zap.Logger) Option { return func(c *config) { c.log = log } }

// WithGenerationFile names the file that tells a restored ledger from the one
// that was left. Without it a node notices only what it saw itself.
func WithGenerationFile(path string) Option { return func(c *config) { c.generationFile = path } }

// WithConns bounds the connections of this node. Default: 16.
func WithConns(n int) Option { return func(c *config) { c.conns = n } }

// WithTimeout bounds how long one operation waits for the database. Default: 5 s.
func WithTimeout(d time.Duration) Option { return func(c *config) { c.timeout = d } }

// WithMaxTracks sets how many tracks are kept, since any visitor can make the store
// write one: beyond it the oldest go. Default: 1,000,000.
func WithMaxTracks(n int) Option { return func(c *config) { c.maxTracks = int64(n) } }

func newConfig(opts []Option) *config {
	nop := zap.NewNop()
	c := &config{
		log:       func() *zap.Logger { return nop },
		conns:     defaultConns,
		timeout:   defaultTimeout,
		maxTracks: defaultMaxTracks,
		beat:      2 * time.Second,
		silence:   10 * time.Second,
		yield:     3 * time.Second,
		onNewLife: func(string) {},
	}
	for _, o := range opts {
		o(c)
	}
	return c
}
