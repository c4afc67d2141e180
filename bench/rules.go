package main

import (
	"context"
	"encoding/binary"
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

// rules is the floor of the rules of money: the two hops, and of bare Badger's as many
// look-ups, entries and commits as `deliver once` needs for one payment. Like [floor], it
// checks nothing, decides nothing and encodes nothing: it shows what the look-ups and the
// entries cost, whoever asks for them.
type rules struct{ floor }

// CaddyModule returns the Caddy module information.
func (*rules) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.bench_rules", New: func() caddy.Module { return new(rules) }}
}

// step is one commit: how many keys it looks up, and how many small entries it writes
// beside the record.
type step struct{ looks, entries int }

// What each step of a payment writes is: its place in the list of creation, one in the
// list of what is due, the keys of receipt, number and order, and the former place in the
// list of what is due.
var (
	claim   = step{looks: 1, entries: 2}
	settle  = step{looks: 3, entries: 6}
	begin   = step{entries: 2}
	deliver = step{entries: 1}
)

// smallEntry is the size of an entry that is no record.
const smallEntry = 16

// look looks keys up that are not there, as for a payment that nobody knows.
func (m *rules) look(txn *bdb.Txn, id uint64, n int) error {
	for i := range n {
		if _, err := txn.Get(keyOf("look", id, i)); err != nil && err != bdb.ErrKeyNotFound { //nolint:errorlint // Badger's own
			return err
		}
	}
	return nil
}

func (m *rules) commit(id uint64, at int, s step) error {
	return m.db.Update(func(txn *bdb.Txn) error {
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
	for _, n := range []int{3, 1} { // is it known, and is its order paid
		if err := m.db.View(func(txn *bdb.Txn) error { return m.look(txn, id, n) }); err != nil {
			return err
		}
	}
	if err := m.commit(id, 0, claim); err != nil {
		return err
	}
	return m.hops.ServeHTTP(w, r.WithContext(context.WithoutCancel(r.Context())), caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		for i, s := range []step{settle, begin} {
			if err := m.commit(id, i+1, s); err != nil {
				return err
			}
		}
		if err := next.ServeHTTP(w, r); err != nil {
			return err
		}
		return m.commit(id, 3, deliver)
	}))
}

// Interface guards.
var (
	_ caddy.Provisioner           = (*rules)(nil)
	_ caddy.CleanerUpper          = (*rules)(nil)
	_ caddyhttp.MiddlewareHandler = (*rules)(nil)
	_ caddyfile.Unmarshaler       = (*rules)(nil)
)
