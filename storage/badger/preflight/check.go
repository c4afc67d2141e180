// Package preflight looks at Badger's files before Badger opens them.
//
// What Badger does with damaged files ends the process (a table whose block is not
// whole), deletes what was good (tables that a shortened list does not name), takes
// gigabytes (a log entry whose length is not what it was) or is silent (a key in a
// damaged block reads as missing).
//
// [Check] promises that every table that Badger's list names is there and whole, that
// the list says no less than it did when [TakeNote] was called last, and that each log
// ends with a whole entry. Otherwise its error wraps [ErrDamaged], and nothing was
// changed. While the store is open, [Tables] looks for tables that have rotted since.
package preflight

import (
	"errors"
	"fmt"
	"maps"

	bdb "github.com/dgraph-io/badger/v4"
	"go.uber.org/zap"
)

var (
	// ErrDamaged says that files of the store are not as they were written, and can't be
	// mended from its journal. Nothing was changed.
	ErrDamaged = errors.New("the store is damaged")
	// ErrLocked says that another process has the directory open.
	ErrLocked = errors.New("another process has this store open")
)

// Options are what [Check] must know of a store.
type Options struct {
	// Badger are the options that the store will be opened with.
	Badger bdb.Options
	// Journal is the journal's directory, whose head keeps the [Note].
	Journal string
	// Log is asked for each line.
	Log func() *zap.Logger
}

// Report is what was found.
type Report struct {
	// Tables are those that are whole.
	Tables *Tables
	// MemTable is the size of memtables that what is in the logs fits into: the one
	// that was asked for, or a larger one.
	MemTable int64
}

// Check looks at the files in dir, under Badger's own lock. The error wraps
// [ErrLocked] if another process has the directory open, and [ErrDamaged] for what
// can't be mended.
func Check(dir string, o Options) (Report, error) {
	release, err := lockDir(dir)
	if err != nil {
		return Report{}, err
	}
	defer release()
	list, err := checkManifest(dir, o)
	if err != nil {
		return Report{}, err
	}
	known, err := ReadSums(dir)
	if err != nil {
		return Report{}, err
	}
	sums, err := checkTables(dir, list, known)
	if err != nil {
		return Report{}, err
	}
	t := &Tables{dir: dir, log: o.Log, sums: sums}
	if !maps.Equal(sums, known) {
		t.keep(sums)
	}
	memTable, err := trimLogs(dir, o)
	return Report{Tables: t, MemTable: memTable}, err
}

func locked(dir string) error { return fmt.Errorf("%w: %s; use `caddy reload`", ErrLocked, dir) }
