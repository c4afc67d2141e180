package main

import (
	"context"
	"encoding/binary"
	"errors"
	"net/http"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	bdb "github.com/dgraph-io/badger/v4"

	"github.com/rahgir/caddy-payments/storage/badger/journal"
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

	// journal is synced in the place of Badger's files, as the ledger does it.
	journal *journal.Journal
	mu      sync.Mutex
	written uint64
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
	if m.journal, err = journal.Create(m.Path+"-journal", 0, journal.DefaultSegment); err != nil {
		return err
	}
	return m.floor.Provision(ctx)
}

// Cleanup implements [caddy.CleanerUpper].
func (m *rules) Cleanup() (err error) {
	if m.lazy != nil {
		err = m.lazy.Close()
	}
	if m.journal != nil {
		err = errors.Join(err, m.journal.Close(true, nil))
	}
	return errors.Join(err, m.floor.Cleanup())
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
// as `deliver once` needs, and the same with the ledger's journal; the records alone, with
// these commits and with those of `deliver idempotent`.
const (
	pathRules      = "/rules"
	pathJournal    = "/rules/journal"
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

// note syncs the journal with what a commit writes.
func (m *rules) note(s step) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.written++
	payload := make([]byte, floorEntry+s.entries*2*smallEntry)
	if err := m.journal.Append(journal.Frame{Version: m.written, Payload: payload}); err != nil {
		return err
	}
	return m.journal.Sync()
}

// keyOf is as long as a key of the ledger's.
func keyOf(table string, id uint64, n int) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64([]byte(table[:1]), id), uint64(n)) //nolint:gosec // small
}

// ServeHTTP implements [caddyhttp.MiddlewareHandler].
func (m *rules) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	id := m.last.Add(1) * 0x9e3779b97f4a7c15
	path := r.URL.Path
	synced, steps := m.db, bareSteps
	if path == pathJournal {
		synced = m.lazy
	}
	if path == pathRules || path == pathJournal {
		steps = allSteps
		for _, n := range []int{3, 1} { // is it known, and is its order paid
			if err := synced.View(func(txn *bdb.Txn) error { return m.look(txn, id, n) }); err != nil {
				return err
			}
		}
	}
	third := synced
	if path == pathIdempotent {
		third = m.lazy // only `deliver once` waits until the delivery is on disk
	}
	commit := func(db *bdb.DB, at int) error {
		err := m.commit(db, id, at, steps[at])
		if err == nil && path == pathJournal {
			err = m.note(steps[at])
		}
		return err
	}
	if err := commit(synced, 0); err != nil {
		return err
	}
	return m.hops.ServeHTTP(w, r.WithContext(context.WithoutCancel(r.Context())), caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		if err := errors.Join(commit(synced, 1), commit(third, 2)); err != nil {
			return err
		}
		if err := next.ServeHTTP(w, r); err != nil {
			return err
		}
		return commit(m.lazy, 3)
	}))
}

// Interface guards.
var (
	_ caddy.Provisioner           = (*rules)(nil)
	_ caddy.CleanerUpper          = (*rules)(nil)
	_ caddyhttp.MiddlewareHandler = (*rules)(nil)
	_ caddyfile.Unmarshaler       = (*rules)(nil)
)
