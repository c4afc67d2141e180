package storage

import "context"

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
