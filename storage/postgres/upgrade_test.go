package postgres

import (
	"fmt"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// formerTables turns a ledger's tables into those of a former format, as a node of that
// version left them.
func (l ledger) formerTables(t *testing.T, format int) {
	t.Helper()
	c := servers.Cluster(t)
	down := [][]string{
		1: {"DROP INDEX payments_tracks_put", "ALTER TABLE payments_tracks DROP COLUMN put"},
		2: {"DROP INDEX payments_records_terms", "DROP INDEX payments_records_unfound", "ALTER TABLE payments_records DROP COLUMN terms", "ALTER TABLE payments_records DROP COLUMN found"},
		3: {"DROP INDEX payments_records_rare", "DROP INDEX payments_records_passing"},
	}
	for f := len(migrations()) - 1; f >= format; f-- {
		for _, sql := range down[f] {
			c.Exec(t, "SET search_path = "+l.schema+"; "+sql)
		}
	}
	c.Exec(t, fmt.Sprintf("SET search_path = %s; UPDATE payments_ledger SET format = %d", l.schema, format))
}

// Tables of each former format get what this version needs, are used at once, and find
// each payment by all that this version finds them by; also those that an older node
// writes afterwards, which knows none of it.
func TestFormerTablesAreFound(t *testing.T) {
	for format := 1; format < len(migrations()); format++ {
		t.Run(fmt.Sprint("format ", format), func(t *testing.T) {
			t.Parallel()
			l := newLedger(t)
			s := l.open(t)
			const n = 120 // more than one batch
			for i := range n {
				r := newRecord(i)
				r.State, r.CreatedAt = payment.Delivered, time.Date(2026, 3, 21, 8, 0, i, 0, time.UTC)
				r.Receipt = &payment.Receipt{ID: r.ID, Reference: fmt.Sprint(900_000 + i), Card: "603799******1234"}
				if err := s.Commit(ctx, payment.Change{Record: r}); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			l.formerTables(t, format)
			s = l.open(t)
			look := func(when, reference string) {
				t.Helper()
				page, err := s.List(ctx, payment.Listing{Search: []payment.Term{payment.NewTerm(payment.FieldReference, reference)}})
				if err != nil || len(page.Records) != 1 {
					t.Errorf("%s, by %s: %d records, %v", when, reference, len(page.Records), err)
				}
			}
			look("at once", "900007")
			eventually := func(what string) {
				t.Helper()
				for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
					whole, err := s.whole(ctx)
					if err != nil || time.Now().After(end) {
						t.Fatalf("%s is not listed anew: %v", what, err)
					}
					if whole {
						return
					}
				}
			}
			eventually("the ledger")
			look("listed anew", "900007")
			// An older node changes a payment: its statement names neither column.
			servers.Cluster(t).Exec(t, "UPDATE "+l.schema+".payments_records SET version = version + 1, writer = writer + 1000000 WHERE created = (SELECT max(created) FROM "+l.schema+".payments_records)")
			if whole, err := s.whole(ctx); whole || err != nil {
				t.Errorf("what an older node wrote is taken for listed: %v", err)
			}
			look("changed by an older node", "900119")
			if _, err := s.findSome(ctx); err != nil {
				t.Fatal(err)
			}
			eventually("what an older node wrote")
			look("that is listed", "900119")
		})
	}
}
