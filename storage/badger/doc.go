// Package badger is the embedded ledger: [payment.Store] over Badger, one
// directory, one process.
//
// # How a change is written
//
// One goroutine writes at a time (see the package commit). It takes whatever changes
// are waiting, checks each against the ledger, and commits those that pass as one
// Badger transaction and one frame of the journal (see the package journal), which
// costs one sync however many they are.
//
// Badger runs in managed mode: the writer gives out the versions, and readers
// read at the newest version that is known to be on disk. So a read never waits
// for the disk, and never sees a change that a power cut could take back
// (except a lazy one, which may be taken back by definition).
//
// The journal is what is synced before callers are told: one write at the end of
// a file whose blocks are there, where Badger would sync two mapped files. So
// Badger's own log follows in its own time, and what a power cut takes of it is
// written again from the journal at open, as is what damage takes. A lazy change
// returns once it is in the journal, which the death of the process can't take back.
// Its sync follows, and readers of it wait until then.
//
// # What goes wrong
//
// A failed commit is a commit of unknown outcome: the store refuses to write
// until it was opened again. A full disk would kill the whole process, since
// Badger writes through mmap; so new work is refused while there is still
// room to finish what has begun, and everything is refused before there is
// none (see the package disk).
//
// Badger reads a damaged log up to the damage without an error, reads a key in a
// damaged block as missing, and deletes tables that a damaged list does not name. So
// its files are checked before it opens them (see the package preflight), and what it
// has is then compared with the journal. What it lost is written again. If nobody can
// tell what was lost, the ledger begins a new generation, or does not open.
package badger
