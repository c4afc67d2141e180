// Package badger is the embedded ledger: [payment.Store] over Badger, one
// directory, one process.
//
// # How a change is written
//
// One goroutine writes at a time. It takes whatever changes are waiting, checks each
// against the ledger, and commits those that pass as one Badger transaction,
// which costs one sync of the write-ahead log however many they are. Badger
// itself syncs once per transaction, so this is what makes synced commits cheap
// under load; and since nobody else writes, no change ever meets a conflict
// that is not a real one.
//
// Badger runs in managed mode: the writer gives out the versions, and readers
// read at the newest version that is known to be on disk. So a read never waits
// for the disk, and never sees a change that a power cut could take back
// (except a lazy one, which may be taken back by definition).
//
// Every batch is first written into the journal (see the package journal), which
// is synced while Badger syncs its own log; callers are told after both. A lazy
// change returns once it stands in the journal, which the death of the process
// can't take back; its sync follows. Whoever reads in between waits for it.
//
// # What goes wrong
//
// A failed commit is a commit of unknown outcome: the store refuses to write
// until it was opened again. A full disk would kill the whole process, since
// Badger writes through mmap; so new work is refused while there is still
// room to finish what has begun, and everything is refused before there is
// none.
//
// Badger reads a damaged log up to the damage, and says nothing; reads a key in
// a damaged block as missing; and deletes tables that a damaged list does not
// name. So its files are checked before it opens them, and what it has is then
// compared with the journal: what it lost is written again, and where nobody can
// tell what was lost, the ledger begins a new generation, or does not open.
package badger
