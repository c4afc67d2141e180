package badger

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	bdb "github.com/dgraph-io/badger/v4"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
	// maxLooks bounds how many records one page looks at. A filter that few
	// records pass then gives short pages that go on, instead of one that takes
	// minutes.
	maxLooks = 20_000
)

// ErrCursor is returned for a cursor that this store did not make.
var ErrCursor = errors.New("not a cursor of this listing")

// place is a record's place in the order of all listings: inverted creation,
// then ref.
type place [timeSize + refSize]byte

func (p place) ref() (k refKey) {
	copy(k[:], p[timeSize:])
	return k
}

func parseCursor(s string) (p place, err error) {
	if s == "" {
		return p, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(p) {
		return p, ErrCursor
	}
	copy(p[:], b)
	return p, nil
}

func (p place) cursor() string { return base64.RawURLEncoding.EncodeToString(p[:]) }

// List implements [payment.Store]. A page may hold fewer records than the
// limit and yet go on.
func (s *Store) List(ctx context.Context, q payment.Listing) (payment.Page, error) {
	var page payment.Page
	after, err := parseCursor(q.Cursor)
	if err != nil {
		return page, err
	}
	limit := q.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	limit = min(limit, maxLimit)
	err = s.view(ctx, func(txn *bdb.Txn) error {
		src, err := source(txn, q)
		if err != nil {
			return err
		}
		defer src.close()
		var last place
		looks := 0
		for src.seek(after); src.valid(); src.next() {
			p := src.place()
			if q.Cursor != "" && bytes.Compare(p[:], after[:]) <= 0 {
				continue
			}
			if looks++; looks > maxLooks {
				page.Next = last.cursor()
				return nil
			}
			if looks%64 == 1 {
				if err := ctx.Err(); err != nil {
					return err
				}
			}
			k := p.ref()
			e, err := loadEntry(txn, packed.RefOf(k[:]), k)
			if errors.Is(err, payment.ErrNotFound) {
				return fmt.Errorf("%w: %s is listed and missing", packed.ErrCorrupt, packed.RefOf(k[:]))
			}
			if err != nil {
				return err
			}
			if !q.Selects(e.Rec) {
				last = p
				continue
			}
			if len(page.Records) == limit {
				page.Next = last.cursor()
				return nil
			}
			page.Records = append(page.Records, e.Rec)
			last = p
		}
		return nil
	})
	if err != nil {
		return payment.Page{}, err
	}
	return page, nil
}

// source picks the narrowest index that has every record that q may select.
func source(txn *bdb.Txn, q payment.Listing) (walker, error) {
	switch {
	case q.ID != "":
		return findByID(txn, q.ID)
	case q.Order != "":
		return newFinder(txn, findPrefix(findOrder, q.Order)), nil
	}
	if q.Owed {
		return newMerger(txn, []byte{classOwed}), nil
	}
	if len(q.States) > 0 {
		var classes []byte
		for _, st := range q.States {
			c, ok := stateNotice(st)
			if !ok {
				classes = nil
				break
			}
			if !slices.Contains(classes, c) {
				classes = append(classes, c)
			}
		}
		if classes != nil {
			return newMerger(txn, classes), nil
		}
	}
	if c, ok := reportNotice(true, q.Conversion); ok {
		return newMerger(txn, []byte{c}), nil
	}
	if c, ok := reportNotice(false, q.Webhook); ok {
		return newMerger(txn, []byte{c}), nil
	}
	return newScanner(txn, []byte{tableCreated}), nil
}
