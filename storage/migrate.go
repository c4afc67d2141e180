package storage

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/payment"
)

// Kind is what an [Item] is, in the order in which they are moved.
type Kind string

// The kinds.
const (
	// KindSecret: a secret by its name.
	KindSecret Kind = "secret"
	// KindKey: a uniqueness key by its hash; its value is the holder, or nothing
	// where it is reserved.
	KindKey Kind = "key"
	// KindRecord: a payment by its ref, packed, with what the store remembers of it.
	KindRecord Kind = "record"
	// KindTrack: a visitor's track by the visitor's hash.
	KindTrack Kind = "track"
)

// Item is one entry of a ledger, the same bytes whatever store it lies in.
type Item struct {
	Kind  Kind   `json:"k"`
	Name  []byte `json:"n"`
	Value []byte `json:"v,omitempty"`
}

// Frozen is why a ledger takes no payments.
type Frozen string

// The reasons.
const (
	// Usable: none.
	Usable Frozen = ""
	// Moved: it was moved to another store, where payments go on.
	Moved Frozen = "moved"
	// Receiving: it is being imported, and not complete.
	Receiving Frozen = "receiving"
)

// Errors of moving a ledger.
var (
	// ErrMoved: the ledger was moved to another store.
	ErrMoved = errors.New("this ledger was moved to another store; payments go on there")
	// ErrReceiving: the ledger is not complete.
	ErrReceiving = errors.New("this ledger is being imported and not complete; finish with the `caddy payments import` or `caddy payments restore` that began it")
	// ErrNoLedger: there is no ledger to move.
	ErrNoLedger = errors.New("there is no ledger")
	// ErrInUse: somebody works on the ledger.
	ErrInUse = errors.New("another Caddy works on this ledger; stop it first")
)

// Err returns the error with which a frozen ledger refuses to be opened.
func (s Frozen) Err() error {
	switch s {
	case Moved:
		return ErrMoved
	case Receiving:
		return ErrReceiving
	}
	return nil
}

// Migrator is a ledger that can be moved to another store. Nobody else may work
// on it meanwhile.
type Migrator interface {
	payment.Store
	// Dump calls f with every item, in an order that stays the same as long as
	// nothing is written.
	Dump(ctx context.Context, f func(Item) error) error
	// Load writes items; what is there already stays as it is.
	Load(ctx context.Context, items []Item) error
	// Frozen says why the ledger takes no payments; SetFrozen changes it.
	Frozen() Frozen
	SetFrozen(ctx context.Context, s Frozen) error
	// Renew begins a generation after the given one: what was moved may have
	// forgotten what happened since (rule 4).
	Renew(ctx context.Context, after uint32) error
}

// Backer is a store that can be copied while it is in use.
type Backer interface {
	Generation(ctx context.Context) (payment.Generation, error)
	// Backup calls f with every item, as all of them were at one moment. Payments go on
	// meanwhile. What the relay keeps of providers' answers is left out.
	Backup(ctx context.Context, f func(Item) error) error
}

// Mover is a storage module whose ledger can be opened to be moved, also when it
// is frozen. Where there is none yet the error wraps ErrNoLedger, unless empty is set:
// then one is made, to be filled.
type Mover interface {
	OpenToMove(ctx context.Context, log *zap.Logger, empty bool) (Migrator, func() error, error)
}
