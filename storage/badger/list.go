package badger

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

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

// newestBefore returns the first place that can be before a time; the first of all for the
// zero time.
func newestBefore(t time.Time) (p place) {
	if !t.IsZero() {
		binary.BigEndian.PutUint64(p[:], ^packed.Time(t)+1)
	}
	return p
}

// before reports whether a place is of a record that was created before t.
func (p place) before(t time.Time) bool {
	return !t.IsZero() && binary.BigEndian.Uint64(p[:]) > ^packed.Time(t)
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
		c := &cursors{Txn: txn}
		defer c.close()
		src, err := source(ctx, c, q)
		if err != nil {
			return err
		}
		var last place
		looks := 0
		from := after
		if newest := newestBefore(q.To); bytes.Compare(from[:], newest[:]) < 0 {
			from = newest
		}
		for src.seek(from); src.valid(); src.next() {
			p := src.place()
			if q.Cursor != "" && bytes.Compare(p[:], after[:]) <= 0 {
				continue
			}
			if p.before(q.From) {
				return nil
			}
			if looks++; looks > s.cfg.looks {
				page.Next = last.cursor()
				return nil
			}
			if looks%64 == 1 {
				if err := ctx.Err(); err != nil {
					return err
				}
			}
			k := p.ref()
			e, err := loadEntry(txn, payment.RefOf(k[:]), k)
			if errors.Is(err, payment.ErrNotFound) {
				return fmt.Errorf("%w: %s is listed and missing", packed.ErrCorrupt, payment.RefOf(k[:]))
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
		return ctx.Err() // a walker that was told to stop ends like one that is through
	})
	if err != nil {
		return payment.Page{}, err
	}
	return page, nil
}

// source picks the narrowest index that has every record that q may select, or what
// several have in common.
func source(ctx context.Context, c *cursors, q payment.Listing) (walker, error) {
	var all []walker
	add := func(w walker, err error) error {
		if err == nil && w != nil {
			all = append(all, w)
		}
		return err
	}
	var err error
	if q.ID != "" {
		err = add(findByID(ctx, c, q.ID))
	}
	if q.Order != "" && err == nil {
		err = add(lookedUp(ctx, c, payment.NewTerm(payment.FieldOrder, q.Order)))
	}
	if len(q.Search) > 0 && err == nil {
		err = add(searched(ctx, c, q.Search))
	}
	if (q.Site != "" || q.Provider != "") && err == nil {
		err = add(findScopes(c, q))
	}
	if err == nil {
		err = add(byState(c, q))
	}
	if err != nil {
		return nil, err
	}
	if class, ok := networkNotices[q.Conversion]; ok {
		all = append(all, newMerger(c, []byte{class}))
	}
	if class, ok := webhookNotices[q.Webhook]; ok {
		all = append(all, newMerger(c, []byte{class}))
	}
	if q.Owed {
		all = append(all, newMerger(c, []byte{classOwed}))
	}
	if len(all) == 0 {
		return newScanner(c, []byte{tableCreated}), nil
	}
	w := all[0]
	for _, other := range all[1:] {
		w = &common{w, other}
	}
	return w, nil
}

// byState walks the payments of the states that are asked for; nil where most payments
// are in one of them.
func byState(c *cursors, q payment.Listing) (walker, error) {
	if q.Waiting {
		return newMerger(c, []byte{'u', 'r', 'p', noticeWaits, classOwed}), nil
	}
	var classes []byte
	var passing []payment.State
	for _, st := range q.States {
		class, ok := stateNotices[st]
		switch {
		case onTheWay(st):
			passing = append(passing, st)
		case !ok:
			return nil, nil
		case !slices.Contains(classes, class):
			classes = append(classes, class)
		}
	}
	if len(classes)+len(passing) == 0 {
		return nil, nil
	}
	if q.OrPerson {
		// Of the unknown ones only some need a person, but all are few.
		classes = append(classes, noticeWaits)
		if unknown := stateNotices[payment.Unknown]; !slices.Contains(classes, unknown) {
			classes = append(classes, unknown)
		}
	}
	if len(passing) > 0 {
		classes = append(classes, noticeIdle)
	}
	m := newMerger(c, classes)
	if len(passing) > 0 {
		w, ok, err := dueIn(c, passing)
		if err != nil || !ok {
			return nil, err
		}
		m.parts = append(m.parts, w)
	}
	return m, nil
}
