package main

import (
	"context"
	"encoding/binary"
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	bdb "github.com/dgraph-io/badger/v4"
)

func init() {
	caddy.RegisterModule(&rules{})
	httpcaddyfile.RegisterHandlerDirective("bench_rules", func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		m := new(rules)
		return m, m.UnmarshalCaddyfile(h.Dispenser)
	})
	httpcaddyfile.RegisterDirectiveOrder("bench_rules", httpcaddyfile.Before, "respond")
}

// rules is the floor of the rules of money: the two hops, and the commits that one payment
// needs, in bare Badger. Like [floor], it checks nothing, decides nothing and encodes
// nothing: it shows what the commits cost, whoever asks for them. The path says which.
type rules struct {
	floor
	// lazy takes the commits that a power cut may take back: Badger syncs all commits of
	// one database, or none.
	lazy *bdb.DB
}

// CaddyModule returns the Caddy module information.
func (*rules) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.bench_rules", New: func() caddy.Module { return new(rules) }}
}

// Provision implements [caddy.Provisioner].
func (m *rules) Provision(ctx caddy.Context) (err error) {
	if m.lazy, err = openBare(m.Path+"-lazy", false); err != nil {
		return err
	}
	return m.floor.Provision(ctx)
}

// Cleanup implements [caddy.CleanerUpper].
func (m *rules) Cleanup() error {
	if m.lazy == nil {
		return m.floor.Cleanup()
	}
	return errors.Join(m.lazy.Close(), m.floor.Cleanup())
}

// step is one commit: how many keys it looks up, and how many small entries it writes
// beside the record.
type step struct{ looks, entries int }

// What each of the four steps of a payment writes is: its place in the list of creation and
// one in the list of what is due; the keys of receipt, number and order, the former place
// in each list and the new one; a former and a new place in the list of what is due; the
// former one there. Every step writes the record.
var (
	allSteps  = [4]step{{looks: 1, entries: 2}, {looks: 3, entries: 6}, {entries: 2}, {entries: 1}}
	bareSteps = [4]step{}
)

// smallEntry is the size of an entry that is no record.
const smallEntry = 16

// Paths of the floor: all that the ledger writes and looks up, with as many synced commits
// as `deliver once` needs; the records alone, with these and with those of `deliver
// idempotent`, which nothing that keeps the rules can do without.
const (
	pathRules      = "/rules"
	pathOnce       = "/records/once"
	pathIdempotent = "/records/idempotent"
)

// look looks keys up that are not there, as for a payment that nobody knows.
func (m *rules) look(txn *bdb.Txn, id uint64, n int) error {
	for i := range n {
		if _, err := txn.Get(keyOf("look", id, i)); err != nil && err != bdb.ErrKeyNotFound { //nolint:errorlint // Badger's own
			return err
		}
	}
	return nil
}

func (m *rules) commit(db *bdb.DB, id uint64, at int, s step) error {
	return db.Update(func(txn *bdb.Txn) error {
		if err := m.look(txn, id, s.looks); err != nil {
			return err
		}
		for i := range s.entries {
			if err := txn.Set(keyOf("index", id, at<<8|i), make([]byte, smallEntry)); err != nil {
				return err
			}
		}
		return txn.Set(keyOf("record", id, 0), make([]byte, floorEntry))
	})
}

// keyOf is as long as a key of the ledger's.
func keyOf(table string, id uint64, n int) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64([]byte(table[:1]), id), uint64(n)) //nolint:gosec // small
}

// ServeHTTP implements [caddyhttp.MiddlewareHandler].
func (m *rules) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	id := m.last.Add(1) * 0x9e3779b97f4a7c15
	steps, third := bareSteps, m.db
	switch r.URL.Path {
	case pathRules:
		steps = allSteps
		for _, n := range []int{3, 1} { // is it known, and is its order paid
			if err := m.db.View(func(txn *bdb.Txn) error { return m.look(txn, id, n) }); err != nil {
				return err
			}
		}
	case pathIdempotent:
		third = m.lazy // only `deliver once` waits until the delivery is on disk
	}
	if err := m.commit(m.db, id, 0, steps[0]); err != nil {
		return err
	}
	return m.hops.ServeHTTP(w, r.WithContext(context.WithoutCancel(r.Context())), caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		if err := errors.Join(m.commit(m.db, id, 1, steps[1]), m.commit(third, id, 2, steps[2])); err != nil {
			return err
		}
		if err := next.ServeHTTP(w, r); err != nil {
			return err
		}
		return m.commit(m.lazy, id, 3, steps[3])
	}))
}

// Interface guards.
var (
	_ caddy.Provisioner           = (*rules)(nil)
	_ caddy.CleanerUpper          = (*rules)(nil)
	_ caddyhttp.MiddlewareHandler = (*rules)(nil)
	_ caddyfile.Unmarshaler       = (*rules)(nil)
)
