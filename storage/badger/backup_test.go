package badger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	bdb "github.com/dgraph-io/badger/v4"
)

// backup writes a copy of the ledger as it is now, while it is in use.
func backup(s *Store, w io.Writer) error {
	return s.queue.View(context.Background(), func(version uint64) error {
		stream := s.db.NewStreamAt(version)
		stream.LogPrefix = "backup"
		stream.NumGo = 2
		if _, err := stream.Backup(w, 0); err != nil {
			return fmt.Errorf("writing the backup: %w", err)
		}
		return nil
	})
}

// restore makes a store of a backup in dir, which must be empty or not exist.
// The store begins a new generation when it is opened.
func restore(dir string, r io.Reader) error {
	dir, err := realDir(dir)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("restoring: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("restoring: %s is not empty", dir)
	}
	c := newConfig(nil)
	c.memTable = memTableFor(c.freeSpace, dir)
	db, err := bdb.Open(badgerOptions(dir, c))
	if err != nil {
		return openError(dir, err)
	}
	if err = db.Load(r, 16); err != nil {
		err = fmt.Errorf("restoring: %w", err)
	}
	return errors.Join(err, db.Close())
}
