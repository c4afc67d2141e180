// Package journal keeps a second account of what a ledger wrote: every commit,
// one after the other, each bound to the one before it by a hash.
//
// A store that finds its own files damaged can't always know what is missing:
// Badger ends its reading of a log at the first entry that is not whole, and
// goes on as if there had never been more. The journal is what it is compared
// with at open. What the store lacks is done again from it; and a journal that
// is itself damaged, or that ends before the store does, says that nobody can
// tell what was lost.
//
// It is short: what the store is known to hold in files that it can check by
// itself is dropped. The directory holds a head, which says where the journal
// begins, and segments, which hold the frames.
//
// A frame that was appended survives the death of the process; one that was
// synced survives a power cut. The last frame may be torn by a power cut; then
// nobody was told of it. Anything else that is not as it was written is damage.
package journal

import "errors"

// Errors of a journal.
var (
	// ErrBroken: a write to the journal failed in a way that leaves unknown what
	// is on the disk. It must be opened again.
	ErrBroken = errors.New("the journal failed")
	// ErrRefused: a write failed and left nothing behind.
	ErrRefused = errors.New("the journal took nothing")
	// ErrDamaged is wrapped by the damage of a [Found].
	ErrDamaged = errors.New("the journal is damaged")
	// ErrFormat: the journal was written by a newer version of this module.
	ErrFormat = errors.New("the journal was written by a newer version of this module")
)
