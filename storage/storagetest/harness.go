// Package storagetest is the conformance suite of [payment.Store]. Every store passes the
// same suite, embedded or distributed, so the engine can rely on the same promises.
package storagetest

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// Harness tells the suite how to open a store. Open and Reopen are required.
type Harness struct {
	// Open gives a new, empty store and closes it when the test ends.
	Open func(t *testing.T) payment.Store
	// Reopen closes a store and opens the same data again. An embedded store is
	// a new opening; a distributed one may be a new handle.
	Reopen func(t *testing.T, s payment.Store) payment.Store
	// Join gives another handle on the same data that works at the same time, as
	// another node has. Nil for embedded stores, which nobody can join.
	Join func(t *testing.T, s payment.Store) payment.Store
	// Crash ends a store, or one handle, as a kill -9 would, while others work
	// with it, and opens the same data again. Nil where that can't be done.
	Crash func(t *testing.T, s payment.Store) payment.Store
	// Lose closes a store, destroys its data and opens it again, empty, where it
	// was. Nil where that can't be done to the store under test.
	Lose func(t *testing.T, s payment.Store) payment.Store
	// Snapshot copies a store's data as a backup would; the function closes the
	// store, puts the copy back and opens it. Nil where that can't be done.
	Snapshot func(t *testing.T, s payment.Store) func() payment.Store
	// Slow is Open of a store whose every sync takes so long. Nil where that can't
	// be done.
	Slow func(t *testing.T, sync time.Duration) payment.Store
	// Stall is Open of a store whose writes stand still between the two calls that
	// it gives. Nil where that can't be done.
	Stall func(t *testing.T) (s payment.Store, halt, resume func())
	// Capped is Open with a cap on the number of tracks.
	Capped func(t *testing.T, tracks int) payment.Store
}

// Embedded reports whether the store has one process at a time.
func (h Harness) Embedded() bool { return h.Join == nil }

// Run runs the whole suite.
func Run(t *testing.T, h Harness) {
	for name, tests := range suite {
		t.Run(name, func(t *testing.T) {
			for name, test := range tests {
				t.Run(name, func(t *testing.T) { test(t, h) })
			}
		})
	}
}

// suite is all tests, by what they are about.
var suite = map[string]map[string]func(*testing.T, Harness){
	"Record": {
		"Missing": testMissing, "CompareAndSet": testCompareAndSet, "EveryField": testEveryField, "EmptyParts": testEmptyParts,
		"Copies": testCopies, "Large": testLarge, "OddTimes": testOddTimes, "Lazy": testLazy,
		"Forget": testForget, "ForgetRefuses": testForgetRefuses, "BadRefs": testBadRefs,
	},
	"Key": {
		"Taken": testTaken, "Again": testTakeAgain, "Kinds": testKinds, "Atomic": testAtomic, "Reserve": testReserve,
		"Look": testLook, "Looks": testManyLooks,
	},
	"Index": {
		"Due": testDue, "DueMoves": testDueMoves, "Cursor": testCursor, "Filters": testFilters,
		"SameInstant": testSameInstant, "BadCursor": testBadCursor,
	},
	"Find":  {"Terms": testFindTerms, "Changes": testFindChanges, "Dates": testFindDates, "Waiting": testFindWaiting, "Generated": testFindGenerated},
	"Track": {"RoundTrip": testTrack, "Expiry": testTrackExpiry, "Cap": testTrackCap},
	"Life": {
		"Secret": testSecret, "Generation": testGeneration, "Lost": testLost, "Restored": testRestored, "Leases": testLeases,
		"Clock": testClock, "Joined": testJoined,
	},
	"Race": {
		"Insert": testRaceInsert, "Update": testRaceUpdate, "Receipt": testRaceReceipt, "Counter": testRaceCounter,
		"Mixed": testRaceMixed, "Tracks": testRaceTracks, "Reserve": testRaceReserve, "Snapshot": testRaceSnapshot,
	},
	"Crowd":  {"Mixed": testCrowd, "Slow": testCrowdSlow},
	"Leave":  {"Ended": testEnded, "Stalled": testStalled},
	"Bounds": {"Reserve": testReserveSizes, "Take": testTakeSizes, "List": testListSizes},
	"Model":  {"Machine": testModel},
	"Linear": {"Histories": testHistories},
}

var ctx = context.Background()

// base is when the tests' payments happen.
var base = time.Date(2026, 3, 21, 8, 30, 0, 123456789, time.UTC)

// newRecord returns a record as the engine makes one, unique by n.
func newRecord(n int) *payment.Record {
	id := payment.NewRef("ids", "", "", itoa(n))
	order := "order-" + itoa(n)
	at := base.Add(time.Duration(n) * time.Second)
	return &payment.Record{
		Ref:  payment.NewRef("shop.example", "idpay:api.idpay.ir:live", string(id), order),
		Site: "shop.example", Route: "/verify", Provider: "idpay", Issuer: "idpay:api.idpay.ir:live",
		Environment: "live", ID: string(id), Order: order, State: payment.Verifying,
		Expect:    payment.Expectation{Amount: 1_200_000, Source: payment.FromSigned},
		CreatedAt: at, UpdatedAt: at,
	}
}

func itoa(n int) string { return strconv.Itoa(n) }

func put(t testing.TB, s payment.Store, r *payment.Record, take ...payment.Key) {
	t.Helper()
	if err := s.Commit(ctx, payment.Change{Record: r, Take: take}); err != nil {
		t.Fatalf("commit: %v", err)
	}
}

func get(t testing.TB, s payment.Store, ref payment.Ref) *payment.Record {
	t.Helper()
	r, err := s.Get(ctx, ref)
	if err != nil {
		t.Fatalf("get %s: %v", ref, err)
	}
	return r
}

// failer is a test, or a step of a generated one.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// all lists everything, page by page.
func all(t failer, s payment.Store, q payment.Listing) []*payment.Record {
	t.Helper()
	var rs []*payment.Record
	for range 100_000 {
		p, err := s.List(ctx, q)
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		rs = append(rs, p.Records...)
		if p.Next == "" {
			return rs
		}
		if p.Next == q.Cursor {
			t.Fatalf("a listing that does not move on")
		}
		q.Cursor = p.Next
	}
	t.Fatalf("a listing without an end")
	return nil
}

func refs(rs []*payment.Record) []payment.Ref {
	out := make([]payment.Ref, len(rs))
	for i, r := range rs {
		out[i] = r.Ref
	}
	return out
}
