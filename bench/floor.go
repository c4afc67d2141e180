package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	bdb "github.com/dgraph-io/badger/v4"
)

func init() {
	caddy.RegisterModule(&floor{})
	caddy.RegisterModule(&least{})
	caddy.RegisterModule(refuse{})
	directive("bench_refuse", func(httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) { return refuse{}, nil })
	directive("bench_floor", func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		m := new(floor)
		h.Next()
		if !h.Args(&m.URL, &m.Path) {
			return nil, h.ArgErr()
		}
		return m, nil
	})
	for name, cookie := range map[string]string{"bench_nothing": "", "bench_cookie": cookieLike} {
		directive(name, func(httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) { return &least{Cookie: cookie}, nil })
	}
}

// cookieLike is what a tracked page sets.
const cookieLike = "payment_track=EGExYjJjM2Q0ZTVmNjA3MTgHaGFtZWthcgwvcHJvZHVjdC9tdWecsaqdDZyxqp0NnPnlpA0.Jn4mB2bB0yX1d2lq0C8a1Q; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"

// least is a handler that does nothing, or sets the two headers of a tracked
// page without computing anything: what one more handler, and a longer answer,
// cost in Caddy whoever writes it.
type least struct {
	Cookie string `json:"cookie,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*least) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.bench_least", New: func() caddy.Module { return new(least) }}
}

// ServeHTTP implements [caddyhttp.MiddlewareHandler].
func (m *least) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if m.Cookie != "" {
		w.Header().Set("Set-Cookie", m.Cookie)
		w.Header().Set("Cache-Control", "private")
	}
	return next.ServeHTTP(w, r)
}

// refuse answers everything but a return whose signature has the right length with 400,
// and looks at nothing else: the least that a flood of strangers costs, whoever refuses them.
type refuse struct{}

// CaddyModule returns the Caddy module information.
func (refuse) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.bench_refuse", New: func() caddy.Module { return refuse{} }}
}

// ServeHTTP implements [caddyhttp.MiddlewareHandler].
func (refuse) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if len(r.URL.Query().Get("payment_signature")) != hex.EncodedLen(sha256.Size) {
		w.WriteHeader(http.StatusBadRequest)
		return nil
	}
	return next.ServeHTTP(w, r)
}

// floorEntry is what one commit writes: as many bytes as a record takes.
const floorEntry = 300

// floor is the least that a solution has to do if it keeps a record: the same two hops,
// with one synced write of bare Badger's before the provider is asked and one after. It
// checks nothing, reads nothing and decides nothing, so the difference to the two hops
// without a store is the price of the two writes alone.
type floor struct {
	hops
	// Path is Badger's directory.
	Path string `json:"path,omitempty"`

	db   *bdb.DB
	last atomic.Uint64
}

// CaddyModule returns the Caddy module information.
func (*floor) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.bench_floor", New: func() caddy.Module { return new(floor) }}
}

// Provision implements [caddy.Provisioner].
func (m *floor) Provision(ctx caddy.Context) (err error) {
	if m.db, err = bdb.Open(bdb.DefaultOptions(m.Path).WithSyncWrites(true).WithLogger(nil).WithMetricsEnabled(false)); err != nil {
		return fmt.Errorf("opening %s: %w", m.Path, err)
	}
	return m.hops.Provision(ctx)
}

// write writes the same key in both commits of a payment, as a record is written.
func (m *floor) write(key []byte) error {
	return m.db.Update(func(txn *bdb.Txn) error { return txn.Set(key, make([]byte, floorEntry)) })
}

// Cleanup implements [caddy.CleanerUpper].
func (m *floor) Cleanup() error {
	if m.db == nil {
		return nil
	}
	return m.db.Close()
}

// ServeHTTP implements [caddyhttp.MiddlewareHandler].
func (m *floor) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	key := binary.BigEndian.AppendUint64([]byte("record/"), m.last.Add(1)*0x9e3779b97f4a7c15)
	if err := m.write(key); err != nil {
		return err
	}
	return m.hops.ServeHTTP(w, r.WithContext(context.WithoutCancel(r.Context())), caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		if err := m.write(key); err != nil {
			return err
		}
		return next.ServeHTTP(w, r)
	}))
}

// Interface guards.
var (
	_ caddy.Provisioner           = (*floor)(nil)
	_ caddy.CleanerUpper          = (*floor)(nil)
	_ caddyhttp.MiddlewareHandler = (*floor)(nil)
	_ caddyhttp.MiddlewareHandler = (*least)(nil)
	_ caddyhttp.MiddlewareHandler = refuse{}
)
