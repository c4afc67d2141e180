package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/internal/secret"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage"
	"github.com/rahgir/caddy-payments/storage/internal/durable"
	"github.com/rahgir/caddy-payments/storage/internal/shared"
)

// This file is all that knows of Caddy.

func init() {
	caddy.RegisterModule(&Module{})
}

// Module keeps the ledger in a PostgreSQL database, for several Caddys that share their
// work. CockroachDB and YugabyteDB speak the same protocol; they are untested.
//
// The module creates its tables. Its role must own the schema, or use tables that an
// owner's run has created. It refuses servers that may lose confirmed commits: a standby,
// and any with `fsync`, `full_page_writes` or `synchronous_commit` off. While the
// database can't be reached, requests that concern payments get 503 and all others are
// served; the module reconnects by itself. A connection pooler in between must pool
// sessions, not transactions.
type Module struct {
	// The database's address: `postgres://user@host/database?sslmode=verify-full`, or
	// `host=… user=… dbname=…`. It may contain placeholders such as `{env.DSN}`, and any
	// libpq parameter that pgx supports. Write several hosts and
	// `target_session_attrs=read-write` to follow a failover, and `search_path` to use
	// another schema than `public`.
	DSN string `json:"dsn,omitempty"`
	// The role's password, if the dsn does not contain it: `{env.NAME}` or
	// `{file./path}`.
	Password string `json:"password,omitempty"`
	// How many connections this Caddy may open. Default: 16.
	MaxConns int `json:"max_conns,omitempty"`
	// How many visits all nodes together keep (`keep store`). Beyond that the oldest are
	// deleted. Default: 1,000,000.
	MaxTracks int `json:"max_tracks,omitempty"`
	// How long one operation waits for the database. Default: 5s.
	Timeout caddy.Duration `json:"timeout,omitempty"`
	// This node's file by which it notices that the ledger was lost or restored. Don't
	// back it up. A relative path is below Caddy's data directory. Default:
	// `payments-postgres-<hash of the address>.generation`.
	Generation string `json:"generation,omitempty"`

	dsn secret.Secret
	key string
}

// CaddyModule implements [caddy.Module].
func (*Module) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "payments.storage.postgres",
		New: func() caddy.Module { return new(Module) },
	}
}

// Provision resolves the address. It connects to nothing.
func (m *Module) Provision(ctx caddy.Context) error {
	dsn, literal, err := secret.Resolve("dsn", m.DSN)
	if err != nil {
		return fmt.Errorf("storage postgres: %w", err)
	}
	pc, err := parse(dsn.Reveal())
	if err != nil {
		return fmt.Errorf("storage postgres: %w", err)
	}
	if literal && m.Password == "" && pc.ConnConfig.Password != "" && strings.Contains(dsn.Reveal(), pc.ConnConfig.Password) {
		ctx.Logger().Warn("the database's password is in the configuration, which Caddy shows in `adapt`, /config/ and the autosave; write {env.NAME} or {file./path}")
	}
	m.dsn = dsn
	if m.Password != "" {
		password, literal, err := secret.Resolve("password", m.Password)
		if err != nil {
			return fmt.Errorf("storage postgres: %w", err)
		}
		if literal {
			ctx.Logger().Warn("the database's password is in the configuration, which Caddy shows in `adapt`, /config/ and the autosave; write {env.NAME} or {file./path}")
		}
		m.dsn = secret.New(withPassword(dsn.Reveal(), password.Reveal()))
	}
	// Another password is no other database.
	c := pc.ConnConfig
	m.key = strings.Join([]string{c.Host, strconv.Itoa(int(c.Port)), c.Database, c.User, c.RuntimeParams["search_path"]}, "\n")
	return nil
}

// withPassword adds a password to a dsn of either form.
func withPassword(dsn, password string) string {
	if !strings.Contains(dsn, "://") {
		return dsn + " password='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(password) + "'"
	}
	joint := "?"
	if strings.Contains(dsn, "?") {
		joint = "&"
	}
	return dsn + joint + "password=" + escape(password)
}

// escape is for a query: pgx reads it as URLs are read.
func escape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// Validate implements [caddy.Validator].
func (m *Module) Validate() error {
	switch {
	case m.MaxTracks < 0:
		return fmt.Errorf("max_tracks is negative: %d", m.MaxTracks)
	case m.MaxConns < 0 || m.MaxConns == 1:
		return fmt.Errorf("max_conns is %d; at least 2 are needed", m.MaxConns)
	case m.Timeout < 0:
		return fmt.Errorf("timeout is negative")
	}
	return nil
}

// UnmarshalCaddyfile sets up the storage from Caddyfile tokens:
//
//	storage postgres <dsn> {
//		dsn        <dsn>
//		password   <secret>
//		max_conns  <n>
//		max_tracks <n>
//		timeout    <duration>
//		generation <file>
//	}
func (m *Module) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the module's name
	if d.NextArg() {
		m.DSN = d.Val()
	}
	if d.NextArg() {
		return block.TooMuch(d, "storage postgres")
	}
	dsn := block.Value("dsn", func(v string) error {
		if m.DSN != "" {
			return block.ErrTwice
		}
		m.DSN = v
		return nil
	})
	dsn.Check = func() error {
		if m.DSN == "" {
			return errors.New("storage postgres needs a dsn: storage postgres {env.PAYMENTS_DSN}")
		}
		return nil
	}
	return block.Parse(d, "storage postgres", []block.Option{
		dsn,
		block.String("password", &m.Password),
		block.Number("max_conns", &m.MaxConns, 2, 10_000),
		block.Number("max_tracks", &m.MaxTracks, 1, 1_000_000_000),
		block.Duration("timeout", &m.Timeout, 0, "10s"),
		block.String("generation", &m.Generation),
	})
}

// pool has the ledgers of this process by their addresses.
var pool = shared.New[*Store]()

// Open implements [storage.Opener].
func (m *Module) Open(ctx context.Context, log *zap.Logger) (payment.Store, func() error, error) {
	opts, err := m.options()
	if err != nil {
		return nil, nil, err
	}
	opts = append(opts, WithLogger(func() *zap.Logger { return caddy.Log().Named("payments.storage.postgres") }))
	// A new password is a new opening, which the old one outlives for a while; so are
	// a new number of connections, time-out and generation file. The cap of tracks is
	// changed in the one that is open.
	name := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%d\n%s", m.dsn.Reveal(), m.MaxConns, m.Timeout, m.Generation))
	s, joined, free, err := pool.Acquire(hex.EncodeToString(name[:]), func() (*Store, error) { return Open(ctx, m.dsn.Reveal(), opts...) })
	if err != nil {
		return nil, nil, err
	}
	disclaim := s.claims.Add(newConfig(opts).maxTracks, func(most int64) {
		s.maxTracks.Store(most)
		s.crowd()
	})
	release := func() error {
		disclaim()
		return free()
	}
	if gen, err := s.Generation(ctx); err == nil && log != nil {
		log.Info("the ledger is open", zap.String("database", s.conn.Database), zap.String("host", s.conn.Host), zap.String("id", gen.ID),
			zap.Uint32("generation", gen.Seq), zap.String("node", s.owner), zap.Bool("shared", joined),
			zap.Int64("max_tracks", s.maxTracks.Load()))
	}
	return s, release, nil
}

// options returns how the ledger is opened.
func (m *Module) options() (opts []Option, err error) {
	file := m.Generation
	if file == "" {
		sum := sha256.Sum256([]byte(m.key))
		file = "payments-postgres-" + hex.EncodeToString(sum[:6]) + ".generation"
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(caddy.AppDataDir(), file)
	}
	if err := durable.MkdirAll(filepath.Dir(file)); err != nil {
		return nil, fmt.Errorf("the generation file's directory: %w", err)
	}
	opts = append(opts, WithGenerationFile(file))
	if m.MaxConns != 0 {
		opts = append(opts, WithConns(m.MaxConns))
	}
	if m.MaxTracks != 0 {
		opts = append(opts, WithMaxTracks(m.MaxTracks))
	}
	if m.Timeout != 0 {
		opts = append(opts, WithTimeout(time.Duration(m.Timeout)))
	}
	return opts, nil
}

// Interface guards.
var (
	_ caddy.Module          = (*Module)(nil)
	_ caddy.Provisioner     = (*Module)(nil)
	_ caddy.Validator       = (*Module)(nil)
	_ caddyfile.Unmarshaler = (*Module)(nil)
	_ storage.Opener        = (*Module)(nil)
)
