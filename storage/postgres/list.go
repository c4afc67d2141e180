package postgres

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"math"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"

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

const (
	sqlList       = `SELECT ref, created, writer, body FROM payments_records WHERE (created, ref) < ($1, $2) ORDER BY created DESC, ref DESC LIMIT $3`
	sqlListOrder  = `SELECT ref, created, writer, body FROM payments_records WHERE (created, ref) < ($1, $2) AND order_hash = $4 ORDER BY created DESC, ref DESC LIMIT $3`
	sqlListID     = `SELECT ref, created, writer, body FROM payments_records WHERE (created, ref) < ($1, $2) AND id_hash = $4 ORDER BY created DESC, ref DESC LIMIT $3`
	sqlListNotice = `SELECT ref, created, writer, body FROM payments_records WHERE (created, ref) < ($1, $2) AND notice IS NOT NULL AND notice & $4 <> 0
ORDER BY created DESC, ref DESC LIMIT $3`
	sqlListRare = `SELECT ref, created, writer, body FROM payments_records WHERE (created + 0, ref) < ($1, $2) AND ` + isRare + ` AND notice & $4 <> 0
ORDER BY created + 0 DESC, ref DESC LIMIT $3`
	sqlListUnder = `SELECT ref, created, writer, body FROM payments_records WHERE (created, ref) < ($1, $2) AND ` + isPassing + ` AND state = ANY($4)
ORDER BY created DESC, ref DESC LIMIT $3`
	// Payments under way, and others by their notices; none is both, so nothing comes twice.
	sqlListPassing = `(SELECT ref, created, writer, body FROM payments_records WHERE (created, ref) < ($1, $2) AND ` + isPassing + ` AND state = ANY($5)
ORDER BY created DESC, ref DESC LIMIT $3)
UNION ALL (SELECT ref, created, writer, body FROM payments_records WHERE (created, ref) < ($1, $2) AND notice IS NOT NULL AND notice & $4 <> 0
	AND NOT ` + isPassing + ` ORDER BY created DESC, ref DESC LIMIT $3)
ORDER BY created DESC, ref DESC LIMIT $3`
)

// The conditions of the partial indexes, as the statements must repeat them.
const (
	isPassing = `state IN ('verifying', 'verified', 'delivering')` //nolint:gosec // it passes, it is no password
	// isRare is all notices but the three of noticesCommon.
	isRare = `notice & 14975 <> 0`
)

func passing(st payment.State) bool {
	return st == payment.Verifying || st == payment.Verified || st == payment.Delivering
}

// What a person must see, as bits. A payment that goes well never has one, so
// the index costs it nothing.
const (
	noticeUnknown = 1 << iota
	noticeReview
	noticeParked
	noticeRejected
	noticePerhaps
	noticeStalled
	noticeWaits
	noticeDeclined
	noticeExpired
	noticeReversed
	noticeCreated
	noticeOwed
	noticeWebhookParked
	noticeWebhookRejected
)

func stateNotice(st payment.State) int64 {
	switch st {
	case payment.Unknown:
		return noticeUnknown
	case payment.Review:
		return noticeReview
	case payment.Parked:
		return noticeParked
	case payment.Declined:
		return noticeDeclined
	case payment.Expired:
		return noticeExpired
	case payment.Reversed:
		return noticeReversed
	case payment.Created:
		return noticeCreated
	}
	return 0
}

// noticesCommon are the states that many payments end in; the others wait for somebody.
const noticesCommon = noticeDeclined | noticeExpired | noticeCreated

func reportNotice(conversion bool, st payment.ReportState) int64 {
	switch {
	case conversion && st == payment.RejectedReport:
		return noticeRejected
	case conversion && st == payment.PerhapsReport:
		return noticePerhaps
	case conversion && st == payment.ParkedReport:
		return noticeStalled
	case !conversion && st == payment.ParkedReport:
		return noticeWebhookParked
	case !conversion && st == payment.RejectedReport:
		return noticeWebhookRejected
	}
	return 0
}

func noticeOf(r *payment.Record) int64 {
	n := stateNotice(r.State)
	if r.Waits() && (n == 0 || r.OpenRefund() >= 0) {
		n |= noticeWaits
	}
	if r.Owed() {
		n |= noticeOwed
	}
	for _, p := range r.Reports {
		n |= reportNotice(p.Kind.Conversion(), p.State)
	}
	return n
}

// place is a record's place in the order of all listings, newest first.
type place struct {
	created int64
	ref     []byte
}

// beginning is newer than everything.
func beginning() place { return place{math.MaxInt64, bytes.Repeat([]byte{0xff}, payment.RefBytes+1)} }

func (p place) cursor() string {
	return base64.RawURLEncoding.EncodeToString(append(binary.BigEndian.AppendUint64(nil, uint64(p.created)), p.ref...)) //nolint:gosec // its bits
}

func parseCursor(s string) (place, error) {
	if s == "" {
		return beginning(), nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != 8+payment.RefBytes {
		return place{}, ErrCursor
	}
	return place{int64(binary.BigEndian.Uint64(b)), b[8:]}, nil //nolint:gosec // its bits
}

// source returns the narrowest query that has every record which q may select, and
// what it asks for.
func (s *Store) source(ctx context.Context, q payment.Listing) (sql string, what []any, err error) {
	switch {
	case q.ID != "":
		return sqlListID, []any{*hashed(q.ID)}, nil
	case q.Order != "":
		return sqlListOrder, []any{*hashed(q.Order)}, nil
	}
	mask := int64(0)
	if q.Waiting {
		mask = noticeUnknown | noticeReview | noticeParked | noticeWaits | noticeOwed
	}
	var under []string
	if mask == 0 {
		for _, st := range q.States {
			n := stateNotice(st)
			if n == 0 && !passing(st) {
				mask, under = 0, nil
				break
			}
			if passing(st) {
				under = append(under, string(st))
			}
			mask |= n
		}
		switch {
		case q.OrPerson && under != nil:
			mask, under = 0, nil // rare enough to walk them all
		case q.OrPerson && mask != 0:
			mask |= noticeWaits | noticeUnknown // of the unknown ones only some need a person
		}
	}
	switch {
	case q.Owed:
		mask, under = noticeOwed, nil
	case mask == 0 && under == nil && reportNotice(true, q.Conversion) != 0:
		mask = reportNotice(true, q.Conversion)
	case mask == 0 && under == nil:
		mask = reportNotice(false, q.Webhook)
	}
	if sql, what, err = s.narrow(ctx, q); err != nil || sql != "" {
		return sql, what, err
	}
	switch {
	case len(under) > 0 && mask == 0:
		return sqlListUnder, []any{under}, nil
	case len(under) > 0:
		return sqlListPassing, []any{mask, under}, nil
	case mask == 0:
		return sqlList, nil, nil
	case mask&noticesCommon == 0:
		return sqlListRare, []any{mask}, nil
	}
	return sqlListNotice, []any{mask}, nil
}

func (s *Store) list(ctx context.Context, q payment.Listing) (payment.Page, error) {
	at, err := parseCursor(q.Cursor)
	if err != nil {
		return payment.Page{}, err
	}
	limit := q.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	limit = min(limit, maxLimit)
	sql, what, err := s.source(ctx, q)
	if err != nil {
		return payment.Page{}, err
	}
	if to := packed.Time(q.To); to != 0 && int64(to) <= at.created { //nolint:gosec // 63 bits
		at = place{int64(to), nil} //nolint:gosec // 63 bits
	}
	var page payment.Page
	for looks := 0; ; {
		if err := ctx.Err(); err != nil {
			return payment.Page{}, err
		}
		want := max(limit+1, 200)
		part, places, err := s.listPage(ctx, sql, at, want, what)
		if err != nil {
			return payment.Page{}, err
		}
		for i, r := range part {
			if !q.From.IsZero() && r.CreatedAt.Before(q.From) {
				return page, nil
			}
			if !q.Selects(r) {
				continue
			}
			if len(page.Records) == limit {
				page.Next = at.cursor()
				if i > 0 {
					page.Next = places[i-1].cursor()
				}
				return page, nil
			}
			page.Records = append(page.Records, r)
		}
		if len(part) < want {
			return page, nil
		}
		at = places[len(places)-1]
		if looks += len(part); looks >= maxLooks {
			page.Next = at.cursor()
			return page, nil
		}
	}
}

func (s *Store) listPage(ctx context.Context, sql string, after place, n int, what []any) (recs []*payment.Record, places []place, err error) {
	err = s.read(ctx, "listing payments", func(ctx context.Context, c *pgxpool.Conn) error {
		recs, places = nil, nil
		rows, err := c.Query(ctx, sql, slices.Concat([]any{after.created, after.ref, n}, what)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var p place
			var r stored
			if err := rows.Scan(&p.ref, &p.created, &r.writer, &r.body); err != nil {
				return err
			}
			rec, err := r.record(payment.RefOf(p.ref))
			if err != nil {
				return err
			}
			recs, places = append(recs, rec), append(places, p)
		}
		return rows.Err()
	})
	return recs, places, err
}
