package badger

import (
	"fmt"
	"strings"

	bdb "github.com/dgraph-io/badger/v4"
)

// maxHalfMade is how many logs of no bytes are mended. A kill leaves one.
const maxHalfMade = 8

// newFile is the text of the error that Badger takes an empty log for.
const newFile = "Create a new file"

// openBadger opens Badger's files. A kill between Badger's making a log and
// giving it its size leaves an empty file, on which opening fails; the failed
// try, which holds Badger's lock, has given the file its size and its header, so
// the next one opens.
func openBadger(o bdb.Options) (db *bdb.DB, err error) {
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
	return db, err
}
