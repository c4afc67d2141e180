package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/jackc/pgx/v5/pgxpool"
)

func init() {
	caddy.RegisterModule(&pgFloor{})
	httpcaddyfile.RegisterHandlerDirective("bench_pgfloor", parsePgFloor)
	httpcaddyfile.RegisterDirectiveOrder("bench_pgfloor", httpcaddyfile.Before, "respond")
}

// pgFloor is the least that a solution on PostgreSQL has to do: the same two
// hops and bare synced single-row writes by a primary key, one of them before
// the provider is asked. It reads nothing, checks nothing and decides nothing;
// what is missing to pgbench is the price of the hops and of pgx on this machine.
type pgFloor struct {
	hops
	DSN string `json:"dsn,omitempty"`
	// Commits is how many synced writes one payment makes.
	Commits int `json:"commits,omitempty"`

	pool *pgxpool.Pool
	base uint64
	last atomic.Uint64
}

// CaddyModule returns the Caddy module information.
func (*pgFloor) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.bench_pgfloor", New: func() caddy.Module { return new(pgFloor) }}
}

func parsePgFloor(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	m := new(pgFloor)
	return m, m.UnmarshalCaddyfile(h.Dispenser)
}

// UnmarshalCaddyfile implements [caddyfile.Unmarshaler].
func (m *pgFloor) UnmarshalCaddyfile(d *caddyfile.Dispenser) (err error) {
	var commits string
	d.Next()
	if !d.Args(&m.URL, &m.DSN, &commits) {
		return d.ArgErr()
	}
	m.Commits, err = strconv.Atoi(commits)
	return err
}

const (
	sqlFloorTable  = `CREATE TABLE bench_floor (key bytea PRIMARY KEY, body bytea)`
	sqlFloorInsert = `INSERT INTO bench_floor VALUES ($1, $2)`
	sqlFloorUpdate = `UPDATE bench_floor SET body = $2 WHERE key = $1`
)

// Provision implements [caddy.Provisioner].
func (m *pgFloor) Provision(ctx caddy.Context) (err error) {
	config, err := pgxpool.ParseConfig(m.DSN)
	if err != nil {
		return fmt.Errorf("bench_pgfloor: %w", err)
	}
	config.MaxConns = 16 // as the store has
	if m.pool, err = pgxpool.NewWithConfig(context.WithoutCancel(ctx), config); err != nil {
		return fmt.Errorf("bench_pgfloor: %w", err)
	}
	m.base = rand.Uint64() //nolint:gosec // a name
	return m.hops.Provision(ctx)
}

// Cleanup implements [caddy.CleanerUpper].
func (m *pgFloor) Cleanup() error {
	if m.pool != nil {
		m.pool.Close()
	}
	return nil
}

// ServeHTTP implements [caddyhttp.MiddlewareHandler].
func (m *pgFloor) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	ctx := context.WithoutCancel(r.Context())
	key := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, m.last.Add(1)*0x9e3779b97f4a7c15), m.base)
	body := make([]byte, floorEntry)
	if _, err := m.pool.Exec(ctx, sqlFloorInsert, key, body); err != nil {
		return err
	}
	return m.hops.ServeHTTP(w, r.WithContext(ctx), caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		for range m.Commits - 1 {
			if _, err := m.pool.Exec(ctx, sqlFloorUpdate, key, body); err != nil {
				return err
			}
		}
		return next.ServeHTTP(w, r)
	}))
}

// Interface guards.
var (
	_ caddy.Provisioner           = (*pgFloor)(nil)
	_ caddy.CleanerUpper          = (*pgFloor)(nil)
	_ caddyhttp.MiddlewareHandler = (*pgFloor)(nil)
	_ caddyfile.Unmarshaler       = (*pgFloor)(nil)
)
