package storage

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/payment"
)

// Kind is what an [Item] is, in the order in which they are carried.
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

// Shut is why a ledger takes no payments.
type Shut string

// The reasons.
const (
	// Usable: none.
	Usable Shut = ""
	// Moved: it was carried to another store, and lives on there.
	Moved Shut = "moved"
	// Receiving: it is being carried here, and not complete.
	Receiving Shut = "receiving"
)

// Errors of carrying a ledger.
var (
	// ErrMoved: the ledger was carried to another store.
	ErrMoved = errors.New("this ledger was moved to another store; payments go on there")
	// ErrReceiving: the ledger is not complete.
	ErrReceiving = errors.New("this ledger is being imported and not complete; finish with `caddy payments import`")
	// ErrNoLedger: there is nothing to carry.
	ErrNoLedger = errors.New("there is no ledger")
	// ErrInUse: somebody works on the ledger.
	ErrInUse = errors.New("another Caddy works on this ledger; stop it first")
)

// Err is the error with which a ledger that is shut refuses to be opened.
func (s Shut) Err() error {
	switch s {
	case Moved:
		return ErrMoved
	case Receiving:
		return ErrReceiving
	}
	return nil
}

// Carrier is a ledger that can be carried to another store. Nobody else may work
// on it meanwhile.
type Carrier interface {
	payment.Store
	// Carry calls f with every item, in an order that stays the same as long as
	// nothing is written.
	Carry(ctx context.Context, f func(Item) error) error
	// Receive writes items; what is there already stays as it is.
	Receive(ctx context.Context, items []Item) error
	// Shut says why the ledger takes no payments; SetShut changes it.
	Shut() Shut
	SetShut(ctx context.Context, s Shut) error
	// Renew begins a generation after the given one: what was carried may have
	// forgotten what happened since (rule 4).
	Renew(ctx context.Context, after uint32) error
}

// Mover is a storage module whose ledger can be opened to be carried, also when it
// is shut. Where there is none yet the error wraps ErrNoLedger, unless empty is set:
// then one is made, to be filled.
type Mover interface {
	OpenToMove(ctx context.Context, log *zap.Logger, empty bool) (Carrier, func() error, error)
}
