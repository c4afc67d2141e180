package postgres

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rahgir/caddy-payments/payment"
)

// What a payment is found by is in one column, as hashes of field and value; what
// collides is filtered out. Site and provider are among them, so that one which no
// payment has is known at once.

// Planners don't know how few payments have a term, and would walk all payments in their
// order to find one. So the order is that of an expression, which no index has, and the
// condition is there twice. Few are sorted: where many match, [Store.narrow] walks all.
const (
	sqlListHas = `SELECT ref, created, writer, body FROM payments_records WHERE (created + 0, ref) < ($1, $2) AND terms @> $4::bigint[] AND terms && $4::bigint[]
ORDER BY created + 0 DESC, ref DESC LIMIT $3`
	sqlListAny = `SELECT ref, created, writer, body FROM payments_records WHERE (created + 0, ref) < ($1, $2) AND (terms && $4::bigint[] OR ref >= $5 AND ref < $6)
ORDER BY created + 0 DESC, ref DESC LIMIT $3`
	sqlCountHas = `SELECT count(*) FROM (SELECT 1 FROM payments_records WHERE terms @> $1::bigint[] AND terms && $1::bigint[] LIMIT $2) n`
	sqlCountAny = `SELECT count(*) FROM (SELECT 1 FROM payments_records WHERE terms && $1::bigint[] ORDER BY created + 0 LIMIT $2) n`
)

const (
	fieldSite     payment.Field = 's'
	fieldProvider payment.Field = 'p'
)

func termHash(f payment.Field, value string) int64 {
	sum := sha256.Sum256(append([]byte{byte(f)}, value...))
	return int64(binary.BigEndian.Uint64(sum[:])) //nolint:gosec // its bits
}

// termsOf returns the column of a record, as PostgreSQL writes an array.
func termsOf(r *payment.Record) string {
	var b strings.Builder
	b.WriteByte('{')
	add := func(f payment.Field, value string) {
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(termHash(f, value), 10))
	}
	add(fieldSite, r.Site)
	add(fieldProvider, r.Provider)
	for _, t := range r.Terms() {
		add(t.Field, t.Value)
	}
	return b.String() + "}"
}

// denseFrom is from how many matches on walking all payments is quicker than gathering
// those that match.
const denseFrom = 2000

// narrow returns the query of site, provider and search; empty where walking another list is
// quicker.
func (s *Store) narrow(ctx context.Context, q payment.Listing) (sql string, what []any, err error) {
	var has []int64
	if q.Site != "" {
		has = append(has, termHash(fieldSite, q.Site))
	}
	if q.Provider != "" {
		has = append(has, termHash(fieldProvider, q.Provider))
	}
	low, high := refRange(q.Search)
	if len(q.Search) == 1 && low == nil {
		has = append(has, termHash(q.Search[0].Field, q.Search[0].Value))
	} else if len(q.Search) > 0 {
		var terms []int64
		for _, t := range q.Search {
			if t.Field != payment.FieldRef {
				terms = append(terms, termHash(t.Field, t.Value))
			}
		}
		dense, err := s.dense(ctx, sqlCountAny, terms)
		if err != nil || dense {
			return "", nil, err
		}
		return sqlListAny, []any{terms, low, high}, nil
	}
	if len(has) == 0 {
		return "", nil, nil
	}
	dense, err := s.dense(ctx, sqlCountHas, has)
	if err != nil || dense {
		return "", nil, err
	}
	return sqlListHas, []any{has}, nil
}

func (s *Store) dense(ctx context.Context, sql string, terms []int64) (bool, error) {
	n := 0
	err := s.read(ctx, "counting payments", func(ctx context.Context, c *pgxpool.Conn) error {
		return c.QueryRow(ctx, sql, terms, denseFrom).Scan(&n)
	})
	return n >= denseFrom, err
}

// refRange returns the references that a search names the beginning of; an empty range
// where it names none. Of several beginnings the range has all.
func refRange(terms []payment.Term) (low, high []byte) {
	for _, t := range terms {
		if t.Field != payment.FieldRef || len(t.Value) > payment.RefLen {
			continue
		}
		k, ok := payment.Ref(t.Value + strings.Repeat("0", payment.RefLen-len(t.Value))).Bytes()
		if !ok {
			continue
		}
		from := k[:len(t.Value)*5/8]
		to := slices.Concat(from, bytes.Repeat([]byte{0xff}, payment.RefBytes+1-len(from)))
		if low == nil || bytes.Compare(from, low) < 0 {
			low = from
		}
		if high == nil || bytes.Compare(to, high) > 0 {
			high = to
		}
	}
	return low, high
}
