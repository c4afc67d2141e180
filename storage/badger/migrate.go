package badger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	bdb "github.com/dgraph-io/badger/v4"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage"
	"github.com/rahgir/caddy-payments/storage/internal/generationfile"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

var metaFrozen = []byte{tableMeta, 's'} //nolint:gochecknoglobals // a constant

// withFrozen opens a ledger although it is frozen.
func withFrozen() Option { return func(c *config) { c.openFrozen = true } }

// OpenToMove implements [storage.Mover].
func (m *Module) OpenToMove(ctx context.Context, log *zap.Logger, empty bool) (storage.Migrator, func() error, error) {
	dir, opts := m.open()
	if _, err := os.Stat(filepath.Join(dir, bdb.ManifestFilename)); !empty && errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%w in %s; each user has another data directory: run this as the user that Caddy runs as, or write the ledger's absolute path into the configuration", storage.ErrNoLedger, dir)
	}
	h, err := Acquire(dir, append(opts, withFrozen(), WithLogger(func() *zap.Logger { return log }))...)
	if errors.Is(err, ErrLocked) {
		return nil, nil, fmt.Errorf("%w: %s; stop Caddy first (`caddy payments export` without --ledger asks the running one)", ErrLocked, dir)
	}
	if err != nil {
		return nil, nil, err
	}
	return h.Store, h.Release, nil
}

// Dump implements [storage.Migrator].
func (s *Store) Dump(ctx context.Context, f func(storage.Item) error) error {
	return s.view(ctx, func(txn *bdb.Txn) error {
		for _, part := range []struct {
			table byte
			kind  storage.Kind
		}{{tableSecret, storage.KindSecret}, {tableUnique, storage.KindKey}, {tableRecord, storage.KindRecord}, {tableTrack, storage.KindTrack}} {
			if err := dumpTable(ctx, txn, part.table, part.kind, f); err != nil {
				return err
			}
		}
		return nil
	})
}

// Backup implements [storage.Backer]: [Store.Dump] reads one snapshot.
func (s *Store) Backup(ctx context.Context, f func(storage.Item) error) error { return s.Dump(ctx, f) }

func dumpTable(ctx context.Context, txn *bdb.Txn, table byte, kind storage.Kind, f func(storage.Item) error) error {
	opts := bdb.DefaultIteratorOptions
	opts.Prefix = []byte{table}
	it := txn.NewIterator(opts)
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := it.Item().KeyCopy(nil)[1:]
		value, err := it.Item().ValueCopy(nil)
		if err != nil {
			return fmt.Errorf("reading the store: %w", err)
		}
		if kind == storage.KindRecord {
			e, err := packed.Decode(payment.RefOf(name), value)
			if err != nil {
				return err
			}
			if value, err = packed.Canonical(e); err != nil {
				return err
			}
		}
		if err := f(storage.Item{Kind: kind, Name: name, Value: value}); err != nil {
			return err
		}
	}
	return nil
}

// Load implements [storage.Migrator].
func (s *Store) Load(ctx context.Context, items []storage.Item) error {
	for part := range slices.Chunk(items, 200) {
		records, tracks := int64(0), int64(0)
		err := s.queue.Submit(&change{Ctx: ctx, Grows: true, Stage: func(get getter) ([]write, error) {
			records, tracks = 0, 0
			var all []write
			for _, it := range part {
				ws, err := load(get, it, s.queue.Next())
				if err != nil {
					return nil, err
				}
				if len(ws) > 0 && it.Kind == storage.KindRecord {
					records++
				}
				if len(ws) > 0 && it.Kind == storage.KindTrack {
					tracks++
				}
				all = append(all, ws...)
			}
			s.sieving.wrote(all)
			return all, nil
		}, Settled: func() { s.counts.records.Add(records); s.counts.tracks.Add(tracks); s.poke() }})
		if err != nil {
			return err
		}
	}
	return nil
}

func load(get getter, it storage.Item, age uint64) ([]write, error) {
	var key []byte
	switch it.Kind {
	case storage.KindSecret:
		key = secretKey(string(it.Name))
	case storage.KindKey:
		key = append([]byte{tableUnique}, it.Name...)
	case storage.KindTrack:
		key = trackKey(it.Name)
	case storage.KindRecord:
		return loadRecord(get, it)
	default:
		return nil, fmt.Errorf("an item of kind %q", it.Kind)
	}
	old, err := get(key)
	if err != nil || old != nil {
		return nil, err
	}
	value := it.Value
	if value == nil {
		value = []byte{}
	}
	ws := []write{{Key: key, Value: value}}
	if it.Kind == storage.KindTrack {
		_, expires, err := packed.DecodeTrack(it.Value)
		if err != nil {
			return nil, err
		}
		ws = append(ws,
			write{Key: timed(tableExpiry, expires, it.Name), Value: encodeHigh(age)},
			write{Key: timed(tableAge, age, it.Name)})
	}
	return ws, nil
}

// loadRecord writes a record with its index. Its keys were loaded before it.
func loadRecord(get getter, it storage.Item) ([]write, error) {
	if len(it.Name) != refSize {
		return nil, fmt.Errorf("%w: a record's name", packed.ErrCorrupt)
	}
	k := refKey(it.Name)
	old, err := get(recordKey(k))
	if err != nil || old != nil {
		return nil, err
	}
	e, err := packed.Decode(payment.RefOf(it.Name), it.Value)
	if err != nil {
		return nil, err
	}
	holder, err := get(uniqueKey(payment.ReceiptKey(e.Rec.Issuer, e.Rec.ID)))
	if err != nil {
		return nil, err
	}
	var ws []write
	if e.Receipt = bytes.Equal(holder, k[:]); e.Receipt {
		ws = append(ws, write{Key: issuerKey(e.Rec.Issuer), Value: []byte{}})
	}
	body, err := packed.Body(e.Rec, e.Rec.Version)
	if err != nil {
		return nil, err
	}
	ws = append(ws, write{Key: recordKey(k), Value: e.Encode(body)})
	return withIndex(get, ws, k, nil, e)
}

// Frozen implements [storage.Migrator].
func (s *Store) Frozen() storage.Frozen {
	why, _ := s.frozenNow(context.Background())
	return why
}

func (s *Store) frozenNow(ctx context.Context) (why storage.Frozen, err error) {
	b, err := s.value(ctx, metaFrozen)
	return storage.Frozen(b), err
}

// SetFrozen implements [storage.Migrator].
func (s *Store) SetFrozen(ctx context.Context, why storage.Frozen) error {
	return s.queue.Submit(&change{Ctx: ctx, Internal: true, Stage: func(getter) ([]write, error) {
		return []write{{Key: metaFrozen, Value: []byte(why), Del: why == storage.Usable}}, nil
	}})
}

// Renew implements [storage.Migrator]. The chores end, so that they don't write the
// older generation down again; the caller works alone and closes soon. As at a start,
// the store is written before the file: if it is cut short, the next opening finds
// them different.
func (s *Store) Renew(ctx context.Context, after uint32) error {
	s.chores.stop()
	s.chores.Wait()
	next := generationfile.Mark{ID: s.gen.ID, Seq: max(s.gen.Seq, after) + 1, Start: s.Now()}
	b, err := json.Marshal(next)
	if err != nil {
		return err
	}
	err = s.queue.Submit(&change{Ctx: ctx, Internal: true, Stage: func(getter) ([]write, error) {
		return []write{{Key: metaGeneration, Value: b}}, nil
	}})
	if err != nil {
		return err
	}
	s.gen.Mark, s.gen.filed = next, next
	return generationfile.Write(s.cfg.generationFile, next)
}

// Interface guards.
var (
	_ storage.Migrator = (*Store)(nil)
	_ storage.Backer   = (*Store)(nil)
	_ storage.Mover    = (*Module)(nil)
)
