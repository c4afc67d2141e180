// Package storage defines what the payments app needs of a storage module. The stores are
// in packages of their own; their contract is [payment.Store], and storagetest checks
// it.
package storage

import (
	"context"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/payment"
)

// Opener is a storage module: a guest in the namespace `payments.storage`.
// Provisioning one touches nothing outside memory, so that a configuration can
// be validated beside a running server; the app opens the store when it
// starts.
type Opener interface {
	// Open opens the store, or joins it if another configuration of this process
	// has it open. The function releases it; it may be called more than once and
	// must be called after the last use. The store is closed with its last
	// release.
	Open(ctx context.Context, log *zap.Logger) (payment.Store, func() error, error)
}

// Remark is what a store has to say to its operator.
type Remark struct {
	// Bad is whether somebody should do something.
	Bad  bool
	Code string
	Text string
}

// Remarker is implemented by stores that have something to say beyond
// [payment.Store]: what was found when they were opened.
type Remarker interface {
	Remarks() []Remark
}

// Measure is what a store can say of its size.
type Measure struct {
	// Bytes is how large it is; negative where that is not known.
	Bytes int64
	// Room is how many bytes may be written before new payments are refused; negative
	// where there is no limit that the store knows of.
	Room int64
	// Nodes is how many nodes work on it now, this one included.
	Nodes int
}

// Measurer is implemented by stores that know their size. It may take as long as
// reading a directory, and is never called on the way of a payment.
type Measurer interface {
	Measure(ctx context.Context) (Measure, error)
}
