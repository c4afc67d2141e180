// Package disk knows how much room a ledger has, and keeps some in reserve.
//
// Badger writes through mapped files, and a page that the file system can't
// allocate ends the whole process. So a [Guard] measures before each change. Below
// one limit it refuses new work, while what has begun may still be finished; below
// half of that it refuses everything. When room gets short it deletes a file that it
// keeps in reserve, so that Badger's flushes and compactions under way can end.
//
// It promises that what it allows fits, as long as no other program fills the disk
// between a measurement and the write; on Linux the logs' blocks are allocated
// ahead, so that even then a commit has room.
package disk
