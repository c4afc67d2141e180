package preflight

import (
	"fmt"
	"strings"

	bdb "github.com/dgraph-io/badger/v4"
)

// maxHalfMade is how many logs of no bytes are mended. A kill leaves one.
const maxHalfMade = 8

// newFile is the text of the error that Badger takes an empty log for.
const newFile = "Create a new file"

// Open opens Badger's files, which [Check] has looked at. The error wraps [ErrLocked]
// if another process has the directory open, and [ErrDamaged] where Badger panics.
//
// A kill after Badger has made a log, and before it gives it its size, leaves an empty
// file, on which opening fails. The failed try, which holds Badger's lock, has given
// the file its size and its header, so the next one succeeds.
func Open(o bdb.Options) (db *bdb.DB, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, p)
		}
	}()
	for range maxHalfMade + 1 {
		db, err = bdb.OpenManaged(o)
		if err == nil || !strings.HasSuffix(err.Error(), newFile) {
			break
		}
	}
	if err != nil && isLock(err) {
		err = locked(o.Dir)
	}
	return db, err
}

// isLock recognises Badger's errors of its lock by their text: errors.Is can't.
func isLock(err error) bool {
	return strings.Contains(err.Error(), "Cannot acquire directory lock") || strings.Contains(err.Error(), "Cannot create lock file")
}
