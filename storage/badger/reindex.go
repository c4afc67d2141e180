package badger

import (
	"context"
	"encoding/binary"
	"slices"
	"time"

	bdb "github.com/dgraph-io/badger/v4"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// A ledger that an older version has written lacks what this one finds payments by. It
// is listed anew in the background, the newest payments first, while it is used; until
// then listings that need the index walk all payments, which is right but slow.

// indexVersion is the index as this version writes it.
const indexVersion = 1

var metaIndexed = []byte{tableMeta, 'x'} //nolint:gochecknoglobals // a constant

const (
	// indexBatch is how many records are listed anew in one change, and indexPause the
	// rest between two, so that payments go first.
	indexBatch = 100
	indexPause = 2 * time.Millisecond
)

// startIndex is called before the first change. It raises the format of an older store,
// and knows of an empty one that there is nothing to list.
func (s *Store) startIndex() error {
	format, err := s.readNow(metaFormat)
	if err != nil {
		return err
	}
	version, err := s.readNow(metaIndexed)
	if err != nil {
		return err
	}
	done := len(version) == 1 && version[0] == indexVersion
	var ws []write
	if len(format) == 1 && format[0] < storeFormat {
		ws = append(ws, write{Key: metaFormat, Value: []byte{storeFormat}})
	}
	if !done && s.isEmpty() {
		done = true
		ws = append(ws, write{Key: metaIndexed, Value: []byte{indexVersion}})
	}
	boundary, err := s.firstBoundary()
	if err != nil {
		return err
	}
	ws = append(ws, boundary...)
	s.indexed.Store(done)
	if len(ws) == 0 {
		return nil
	}
	return s.commitNow(ws)
}

// firstBoundary says which payments have keys for all that they are found by: those that
// a former version has written.
func (s *Store) firstBoundary() ([]write, error) {
	b, err := s.readNow(metaBoundary)
	if err != nil || b != nil {
		return nil, err
	}
	boundary := uint64(0)
	txn := s.db.NewTransactionAt(s.queue.Last(), false)
	defer txn.Discard()
	it := txn.NewIterator(keysOnly([]byte{tableCreated}))
	defer it.Close()
	if it.Rewind(); it.Valid() {
		boundary = ^binary.BigEndian.Uint64(it.Item().Key()[1:]) + 1
	}
	return []write{{Key: metaBoundary, Value: encodeHigh(boundary)}}, nil
}

// indexLoop lists all records anew. Cut short, it begins again at the next opening:
// doing it twice is harmless.
func (s *Store) indexLoop(ctx context.Context) {
	defer s.chores.Done()
	s.log().Info("listing the ledger anew for this version; it is used meanwhile", zap.String("dir", s.dir))
	n := 0
	for after := (place{}); ; {
		refs, last, err := s.nextPlaces(ctx, after)
		if err == nil && len(refs) > 0 {
			err = s.queue.Submit(&change{Ctx: ctx, Internal: true, Stage: func(get getter) ([]write, error) { return stageIndex(get, refs) }})
		}
		if err == nil && len(refs) == 0 {
			err = s.queue.Submit(&change{Ctx: ctx, Internal: true, Stage: func(getter) ([]write, error) {
				return []write{{Key: metaIndexed, Value: []byte{indexVersion}}}, nil
			}})
			if err == nil {
				s.indexed.Store(true)
				s.log().Info("listed the ledger anew", zap.String("dir", s.dir), zap.Int("payments", n))
				return
			}
		}
		if ctx.Err() != nil {
			return
		}
		wait := indexPause
		if err != nil {
			s.log().Warn("listing the ledger anew; it is tried again", zap.String("dir", s.dir), zap.Error(err))
			wait = time.Minute
		} else {
			after, n = last, n+len(refs)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

func (s *Store) nextPlaces(ctx context.Context, after place) (refs []refKey, last place, err error) {
	err = s.view(ctx, func(txn *bdb.Txn) error {
		src := newScanner(txn, []byte{tableCreated})
		defer src.close()
		for src.seek(after); src.valid() && len(refs) < indexBatch; src.next() {
			if p := src.place(); p != after {
				refs, last = append(refs, p.ref()), p
			}
		}
		return nil
	})
	return refs, last, err
}

// stageIndex writes whatever the index must have of records, as they are now, and
// takes out what former versions listed otherwise.
func stageIndex(get getter, refs []refKey) ([]write, error) {
	var ws []write
	staged := func(key []byte) ([]byte, error) { // what this change writes itself
		for _, w := range slices.Backward(ws) {
			if string(w.Key) == string(key) && !w.Del {
				return w.Value, nil
			}
		}
		return get(key)
	}
	for _, k := range refs {
		e, err := stagedEntry(get, payment.RefOf(k[:]), k)
		if err != nil {
			return nil, err
		}
		if e == nil {
			continue // it was forgotten meanwhile
		}
		if folded := payment.NewTerm(payment.FieldOrder, e.Rec.Order).Value; folded != e.Rec.Order {
			ws = append(ws, write{Key: pointed(findPrefix(findOrder, e.Rec.Order), packed.Time(e.Rec.CreatedAt), k), Del: true})
		}
		if ws, err = withIndex(staged, ws, k, nil, e); err != nil {
			return nil, err
		}
	}
	return ws, nil
}
