package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Store keeps the ledger. The package [storagetest] checks this contract. Every
// implementation gives the same guarantees or is refused at start.
//
// Durability: when Commit returns nil, the change survives a kill -9 of the process. Unless
// Change.Lazy is set, it also survives a power cut. When Commit returns ErrConflict, a
// *TakenError or ErrFull, nothing was written. After any other error the caller doesn't
// know the outcome, and must read the record again.
//
// Time: every caller is answered, however many there are, and no call lasts longer than its
// context. If the context ends during a change, the outcome is unknown: the change may or
// may not be written. A caller that must know the outcome passes a context that doesn't
// end.
//
// Isolation: a Get that begins after a Commit returned sees the change, on every node.
//
// [storagetest]: https://pkg.go.dev/github.com/rahgir/caddy-payments/storage/storagetest
type Store interface {
	// Get returns a copy of the record, or ErrNotFound.
	Get(ctx context.Context, ref Ref) (*Record, error)
	// Holder returns the record that holds a uniqueness key, or ErrNotFound. For a key
	// that was reserved without a record it returns an empty Ref and no error.
	Holder(ctx context.Context, k Key) (Ref, error)
	// Commit writes one change atomically.
	Commit(ctx context.Context, c Change) error
	// Forget deletes a record behind which there can be no money: it is Declined or
	// Expired, has no receipt, holds no uniqueness key except an intent (which is freed),
	// and was never captured, in review or reversed. For any other record, or none, it
	// returns ErrConflict. It compares the version like Commit.
	Forget(ctx context.Context, ref Ref, version uint64) error
	// Due returns up to limit records whose Earliest is not after t, oldest first. If
	// several nodes work, a store may return this node's share first, and leave records
	// that have just become due to their own nodes.
	Due(ctx context.Context, t time.Time, limit int) ([]Ref, error)
	// List returns records in the order of creation, newest first, with a cursor that
	// stays valid while records are added.
	List(ctx context.Context, q Listing) (Page, error)
	// Reserve takes keys without a record (ids that were used before this ledger began)
	// and returns how many were new. It is durable. It may be split, so after an error a
	// part may be reserved; doing it again is harmless.
	Reserve(ctx context.Context, keys []Key) (int, error)

	// PutTrack keeps a visitor's track until it expires; it is lazy. Beyond the store's
	// bound for tracks, each new one deletes a few that were put or renewed the longest
	// ago. It returns ErrFull if there is no room at all.
	PutTrack(ctx context.Context, visitor string, t Track, expires time.Time) error
	// Track returns a visitor's track, or ErrNotFound.
	Track(ctx context.Context, visitor string) (Track, error)

	// Secret returns the named secret. If there is none, mint makes it. All nodes get the
	// same one, for ever.
	Secret(ctx context.Context, name string, mint func() ([]byte, error)) ([]byte, error)
	// Generation returns the ledger generation.
	Generation(ctx context.Context) (Generation, error)

	// Now returns the time by the clock with which leases are compared.
	Now() time.Time
	// Alive reports whether a lease still binds others. In an embedded store every lease
	// found at open is dead.
	Alive(l Lease) bool
	// Owner returns the name to write into leases. It is another one at every opening of
	// the store.
	Owner() string
	// Ready returns nil, or why new work must be refused now (ErrFull, ErrClosed,
	// ErrBroken …). It is cheap enough for every request. With ErrFull, changes to records
	// that exist may still succeed.
	Ready() error
}

// Clustered is a Store that several nodes use.
type Clustered interface {
	// Orphaned receives a value when another node has fallen silent. Its work must be
	// taken over.
	Orphaned() <-chan struct{}
}

// Change is one atomic write.
type Change struct {
	// Record is written if its Version equals the stored one (0 if there is none), and so
	// does its Mark if it has one. On success its Version has grown by one.
	Record *Record
	// Take are the uniqueness keys that the record must hold from now on. Each must be
	// free, or held by this record already. Otherwise nothing is written, and a
	// *TakenError names the first key that isn't. ErrConflict comes before a *TakenError.
	Take []Key
	// Lazy: a power cut may lose this change, a crash of the process may not. When Commit
	// returns, the change has left the process; it need not be on disk.
	Lazy bool
}

// Listing selects records.
type Listing struct {
	// States, if there are any, and Site, Provider, Order and ID, if they are not empty,
	// must be equal.
	States                    []State
	Site, Provider, Order, ID string
	// OrPerson adds to States the payments of other states that go on only if a person
	// does something: [Record.NeedsPerson].
	OrPerson bool
	// Search, if it has terms, selects the records that are found by one of them.
	Search []Term
	// From (inclusive) and To (exclusive), if they are not zero, bound the time of
	// creation.
	From, To time.Time
	// Left says whether abandoned intents are listed: those that were created before
	// LeftBefore and whose customers have not come back.
	Left       Left
	LeftBefore time.Time
	// Waiting selects the payments that wait for a person or an answer: [Record.Waits].
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

// Left says how a listing treats abandoned intents.
type Left int

// The ways: list them too, leave them out, or of all intents list only them.
const (
	LeftToo Left = iota
	LeftOut
	LeftOnly
)

// LeftBy reports whether a payment is an abandoned intent: it was created before then, and
// its customer has not come back. It may still be paid as long as the provider's pay page
// works, but it needs no place in a list of what is in progress.
func (r *Record) LeftBy(then time.Time) bool {
	return r.State == Created && r.Reason == "" && r.CreatedAt.Before(then) && (r.Return == nil || r.Return.Arrived.IsZero())
}

// Selects reports whether a listing includes a record.
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
	return (len(q.States) == 0 || slices.Contains(q.States, r.State) || q.OrPerson && r.NeedsPerson()) &&
		is(q.Site, r.Site) && is(q.Provider, r.Provider) && is(q.Order, r.Order) && is(q.ID, r.ID)
}

func (r *Record) hasReport(conversion bool, st ReportState) bool {
	return slices.ContainsFunc(r.Reports, func(p Report) bool { return p.State == st && p.Kind.Conversion() == conversion })
}

// Page is a part of a listing.
type Page struct {
	Records []*Record
	// Next is the cursor that continues the listing; empty at its end.
	Next string
}

// Generation is one life of a ledger. A new one begins with an empty, restored, imported or
// promoted store. Its start is also kept outside of the store, so that a restored backup
// is noticed.
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
	// ErrConflict: somebody else has changed the record. Read it again.
	ErrConflict = errors.New("the record was changed meanwhile")
	// ErrFull: no room for new work; nothing was written.
	ErrFull = errors.New("the store has no room")
	// ErrClosed: the store is not open, or is closing.
	ErrClosed = errors.New("the store is not open")
	// ErrBroken: a write failed and its outcome is unknown. The store refuses new work
	// until it is opened again.
	ErrBroken = errors.New("the store failed")
)

// TakenError says that a uniqueness key belongs to another record.
type TakenError struct {
	Key Key
	// Holder is empty if the key was reserved without a record.
	Holder Ref
}

// Error implements error. It names no id, because ids are customers' data.
func (e *TakenError) Error() string {
	return fmt.Sprintf("the %s belongs to another payment", e.Key.Kind)
}

// Looker is a Store that reads several records and keys in one round trip. The answer
// shows one moment, which is not before the question.
type Looker interface {
	// Look returns each record, nil if there is none, and who holds each key.
	Look(ctx context.Context, refs []Ref, keys ...Key) ([]*Record, []Held, error)
}

// Held says who holds a key.
type Held struct {
	// Ref is the holder; empty if the key was reserved without a record.
	Ref Ref
	// Found: the key is held, or reserved.
	Found bool
}

// Holders asks a store who holds keys, in one round trip if the store is a [Looker].
func Holders(ctx context.Context, s Store, keys ...Key) ([]Held, error) {
	_, held, err := LookAll(ctx, s, nil, keys...)
	return held, err
}

// LookAll asks a store for records and for the holders of keys, in one round trip if the
// store is a [Looker]. A record is nil if there is none.
func LookAll(ctx context.Context, s Store, refs []Ref, keys ...Key) ([]*Record, []Held, error) {
	if l, ok := s.(Looker); ok {
		return l.Look(ctx, refs, keys...)
	}
	held := make([]Held, len(keys))
	for i, k := range keys {
		holder, err := s.Holder(ctx, k)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, nil, err
		}
		held[i] = Held{holder, err == nil}
	}
	recs := make([]*Record, len(refs))
	for i, ref := range refs {
		rec, err := s.Get(ctx, ref)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, nil, err
		}
		if err == nil {
			recs[i] = rec
		}
	}
	return recs, held, nil
}
