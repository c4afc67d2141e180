package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Store keeps the ledger. Its contract is what [storagetest] checks; every
// implementation gives the same guarantees or is refused at start.
//
// Durability: when Commit returns nil, the change survives kill -9 of the
// process; unless Change.Lazy is set it also survives a power cut. When Commit
// returns ErrConflict, a *TakenError or ErrFull, nothing was written. Any other
// error means that the outcome is not known to the caller: the record must be
// read again, never assumed.
//
// Time: every caller is answered, however many there are, and nobody waits longer
// than his context lasts. If it ends while a change is under way, the outcome is
// not known: the store goes on with it, or not, and the ledger tells. Who must
// know the outcome comes with a context that doesn't end.
//
// Isolation: Get after a Commit that returned sees it, on every node.
//
// [storagetest]: https://pkg.go.dev/github.com/rahgir/caddy-payments/storage/storagetest
type Store interface {
	// Get returns a copy of the record, or ErrNotFound.
	Get(ctx context.Context, ref Ref) (*Record, error)
	// Holder returns the record that holds a uniqueness key, or ErrNotFound. A
	// key reserved without a record gives an empty Ref and no error.
	Holder(ctx context.Context, k Key) (Ref, error)
	// Commit writes one change atomically.
	Commit(ctx context.Context, c Change) error
	// Forget deletes a record that no money can be behind: one in Declined or
	// Expired that has no receipt, holds no uniqueness key but an intent (which
	// goes with it) and was never captured, in review or reversed. Anything
	// else, a missing record included, gives ErrConflict. It is compare-and-set
	// like Commit.
	Forget(ctx context.Context, ref Ref, version uint64) error
	// Due returns up to limit records whose Earliest is not after t, oldest first.
	// Where several nodes work, a store may put what is this node's share before
	// the rest, and leave what has only just become due to its own node.
	Due(ctx context.Context, t time.Time, limit int) ([]Ref, error)
	// List returns records in the order of creation, newest first, with a
	// cursor that stays valid while records are added.
	List(ctx context.Context, q Listing) (Page, error)
	// Reserve takes keys without a record (ids that were used before this
	// ledger began) and returns how many were new. It is durable. A large one may
	// be split: after an error, part of it may be reserved; doing it again is
	// harmless.
	Reserve(ctx context.Context, keys []Key) (int, error)

	// PutTrack keeps a visitor's track until it expires; it is lazy. Beyond the
	// store's cap for unauthenticated growth the tracks that were put or renewed the
	// longest ago go, a few with each new one. It returns ErrFull where there is no
	// room at all.
	PutTrack(ctx context.Context, visitor string, t Track, expires time.Time) error
	// Track returns a visitor's track, or ErrNotFound.
	Track(ctx context.Context, visitor string) (Track, error)

	// Secret returns the named secret, which mint makes if there is none. All
	// nodes and all times get the same one.
	Secret(ctx context.Context, name string, mint func() ([]byte, error)) ([]byte, error)
	// Generation returns the ledger generation.
	Generation(ctx context.Context) (Generation, error)

	// Now is the clock that leases are compared with.
	Now() time.Time
	// Alive reports whether a lease still binds others. In an embedded store
	// every lease found at open is dead.
	Alive(l Lease) bool
	// Owner is the name to write into leases taken through this handle; it
	// differs for every opening of the store.
	Owner() string
	// Ready returns nil, or why new work must be refused now (ErrFull,
	// ErrClosed, ErrBroken …). It is cheap enough for every request. With
	// ErrFull, changes to records that exist may still succeed.
	Ready() error
}

// Clustered is a Store that several nodes work on.
type Clustered interface {
	// Orphaned tells when another node has fallen silent: what it was working on is
	// to be taken up.
	Orphaned() <-chan struct{}
}

// Change is one atomic write.
type Change struct {
	// Record is written if its Version equals the stored one (0: if there is
	// none), and its Mark if it has one; on success its Version has grown by one.
	Record *Record
	// Take are the uniqueness keys that the record must hold from now on: each
	// is free, or held by this record already. Otherwise nothing is written and
	// a *TakenError names the first that is not. A version that moved on is told
	// first.
	Take []Key
	// Lazy: a power cut may lose this change, a crash of the process may not. So
	// when Commit returns it must have left the process; it need not be on disk.
	Lazy bool
}

// Listing selects records.
type Listing struct {
	// States, if any; Site, Provider, Order, ID, if not empty, must equal.
	States                    []State
	Site, Provider, Order, ID string
	// Search, if any, selects what is found by one of the terms.
	Search []Term
	// From and To, if not zero, bound when it was created: From inclusive, To
	// exclusive.
	From, To time.Time
	// Left says what becomes of intents that their customers have left: created before
	// LeftBefore, and nobody came back.
	Left       Left
	LeftBefore time.Time
	// Waiting selects what waits for a person or for an answer: [Record.Waits].
	Waiting bool
	// Conversion, if not empty, selects by the state of a report to an affiliate, and
	// Webhook by that of one to a webhook.
	Conversion, Webhook ReportState
	// Owed selects the refused payments whose money is with the shop.
	Owed bool
	// Cursor is a Page's Next; empty starts with the newest.
	Cursor string
	// Limit is at most 1000; 0 means 100.
	Limit int
}

// Left is how a listing treats intents that their customers have left.
type Left int

// The ways: all intents, none that was left, or of intents only those.
const (
	LeftToo Left = iota
	LeftOut
	LeftOnly
)

// LeftBy reports whether a payment is an intent that its customer has left: created
// before then, and nobody came back. It may still be paid while its provider's pay page
// lives, and is found when it is; but nobody who looks at what is in progress has to see
// it.
func (r *Record) LeftBy(then time.Time) bool {
	return r.State == Created && r.Reason == "" && r.CreatedAt.Before(then) && (r.Return == nil || r.Return.Arrived.IsZero())
}

// Selects reports whether a record is one that the listing asks for.
func (q Listing) Selects(r *Record) bool {
	switch {
	case q.Left == LeftOut && r.LeftBy(q.LeftBefore), q.Left == LeftOnly && r.State == Created && !r.LeftBy(q.LeftBefore):
		return false
	case q.Waiting && !r.Waits(), !q.From.IsZero() && r.CreatedAt.Before(q.From), !q.To.IsZero() && !r.CreatedAt.Before(q.To),
		len(q.Search) > 0 && !r.HasAny(q.Search):
		return false
	}
	is := func(want, got string) bool { return want == "" || want == got }
	if q.Conversion != "" && !r.hasReport(true, q.Conversion) || q.Webhook != "" && !r.hasReport(false, q.Webhook) || q.Owed && !r.Owed() {
		return false
	}
	return (len(q.States) == 0 || slices.Contains(q.States, r.State)) &&
		is(q.Site, r.Site) && is(q.Provider, r.Provider) && is(q.Order, r.Order) && is(q.ID, r.ID)
}

func (r *Record) hasReport(conversion bool, st ReportState) bool {
	return slices.ContainsFunc(r.Reports, func(p Report) bool { return p.State == st && p.Kind.Conversion() == conversion })
}

// Page is a part of a listing.
type Page struct {
	Records []*Record
	// Next continues the listing; empty at its end.
	Next string
}

// Generation is the life of one ledger. A new one begins with an empty,
// restored, imported or promoted store; its start is also kept outside the
// store, so that a backup put back is noticed.
type Generation struct {
	// Seq is 1 for a ledger that never lost anything.
	Seq   uint32
	Start time.Time
	// ID names the ledger.
	ID string
}

// Errors of a Store.
var (
	// ErrNotFound: there is no such record, key or track.
	ErrNotFound = errors.New("not in the ledger")
	// ErrConflict: the record's version moved on. Read again.
	ErrConflict = errors.New("the record was changed meanwhile")
	// ErrFull: no room for new work; nothing was written.
	ErrFull = errors.New("the store has no room")
	// ErrClosed: the store is not open, or is closing.
	ErrClosed = errors.New("the store is not open")
	// ErrBroken: a write failed with unknown outcome; the store refuses new
	// work until it was opened again.
	ErrBroken = errors.New("the store failed")
)

// TakenError says that a uniqueness key belongs to another record.
type TakenError struct {
	Key Key
	// Holder is empty where the key was reserved without a record.
	Holder Ref
}

// Error implements error. It names no id: ids are customers' data.
func (e *TakenError) Error() string {
	return fmt.Sprintf("the %s belongs to another payment", e.Key.Kind)
}
