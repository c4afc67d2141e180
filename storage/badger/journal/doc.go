// Package journal keeps a second copy of what a ledger wrote: every commit in its
// order, each bound to the one before it by a hash.
//
// A store whose files are damaged can't always know what is missing: Badger ends its
// reading of a log at the first entry that is not whole, and does not report it. So
// the store is compared with the journal when it is opened. What the store lacks is
// written again from the journal ([Index], [Pick]). If the journal itself is damaged,
// or ends before the store does, nobody can tell what was lost ([Found.Doubt]).
//
// It is short: frames are dropped when the store holds them in files that it can check
// by itself. The directory has a head, which says where the journal begins, and
// segments, which have the frames.
//
// It promises that a frame that was appended survives the death of the process, and
// one that was synced survives a power cut. A power cut may tear the last frame; then
// no caller was told of it. Any other change of a file is reported as damage.
package journal

import "errors"

// Errors of a journal.
var (
	// ErrBroken: a write to the journal failed in a way that leaves unknown what
	// is on the disk. It must be opened again.
	ErrBroken = errors.New("the journal failed")
	// ErrRefused: a write failed and left nothing behind.
	ErrRefused = errors.New("the journal wrote nothing")
	// ErrDamaged is wrapped by the damage of a [Found].
	ErrDamaged = errors.New("the journal is damaged")
	// ErrFormat: the journal was written by a newer version of this module.
	ErrFormat = errors.New("the journal was written by a newer version of this module")
)
