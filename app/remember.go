package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/operate/watch"
	"github.com/rahgir/caddy-payments/payment"
)

// A restart in the middle of a bad day must not look like its end: a provider that starts
// no payments shows it only when the next customers have pressed Pay in vain, and a shop that
// takes no paid orders when the next is handed over. So what is known of providers and shops
// that are down is kept in a small file for the next process.
//
// Invariant: doctor, status and the dashboard say of a provider and of a shop after a restart
// what they said before, until it has been asked again. The file is about one ledger; that of
// another is ignored. It may be deleted: then the next calls show again how all of them answer.

// rememberFor is how old what an earlier process knew may be.
const rememberFor = 24 * time.Hour

// remembered is the file.
type remembered struct {
	Ledger string    `json:"ledger"`
	At     time.Time `json:"at"`
	downs
}

// downs are the providers and the shops that are down.
type downs struct {
	Providers map[string]watch.Provider `json:"providers"`
	Shops     map[string]watch.Shop     `json:"shops,omitempty"`
}

func downsOf(w *watch.Watch) downs { return downs{w.Down(), w.FailingShops()} }

func (d downs) none() bool { return len(d.Providers)+len(d.Shops) == 0 }

// memoryFile is the process's: what it has written last, and whether it has read what an
// earlier one wrote.
type memoryFile struct {
	mu     sync.Mutex
	file   string // of a test; else in Caddy's data directory
	ledger string
	wrote  []byte
}

var processMemory memoryFile

func (m *memoryFile) path() string {
	if m.file != "" {
		return m.file
	}
	return filepath.Join(caddy.AppDataDir(), "payments.providers")
}

// recall reads, once for a ledger, what an earlier process knew.
func (m *memoryFile) recall(ctx context.Context, store payment.Store, w *watch.Watch, now time.Time) error {
	gen, err := store.Generation(ctx)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ledger == gen.ID {
		return nil
	}
	m.ledger, m.wrote = gen.ID, nil
	text, err := os.ReadFile(m.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading what was known of providers and shops: %w", err)
	}
	var was remembered
	if err := json.Unmarshal(text, &was); err != nil {
		return fmt.Errorf("reading what was known of providers and shops: %w", err)
	}
	if age := now.Sub(was.At); was.Ledger == gen.ID && age < rememberFor && age > -time.Hour {
		w.Recall(was.Providers)
		w.RecallShops(was.Shops, now.Add(-rememberFor))
	}
	return nil
}

// keep writes what is known of providers and shops that are down, where it has changed. Before recall
// it does nothing.
func (m *memoryFile) keep(w *watch.Watch, now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ledger == "" {
		return nil
	}
	down := downsOf(w)
	text, err := json.Marshal(down)
	if err != nil {
		return fmt.Errorf("writing what is known of providers and shops: %w", err)
	}
	if bytes.Equal(text, m.wrote) || down.none() && m.wrote == nil && !m.there() {
		return nil
	}
	if down.none() {
		if err := os.Remove(m.path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing what was known of providers and shops: %w", err)
		}
		m.wrote = text
		return nil
	}
	whole, err := json.Marshal(remembered{m.ledger, now, down})
	if err == nil {
		err = m.write(whole)
	}
	if err != nil {
		return fmt.Errorf("writing what is known of providers and shops: %w", err)
	}
	m.wrote = text
	return nil
}

// there reports whether the file is of this ledger.
func (m *memoryFile) there() bool {
	var was remembered
	text, err := os.ReadFile(m.path())
	return err == nil && json.Unmarshal(text, &was) == nil && was.Ledger == m.ledger
}

// write replaces the file. It is not synced: what a power cut takes, the next calls show.
func (m *memoryFile) write(text []byte) error {
	dir := filepath.Dir(m.path())
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".payments.providers.*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), m.path())
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// remember keeps what is known of providers and shops for the next process.
func (a *App) remember() {
	if err := processMemory.keep(processWatch, time.Now()); err != nil {
		a.log.Debug("a restart will forget which providers and shops are down", zap.Error(err))
	}
}
