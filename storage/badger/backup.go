package badger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	bdb "github.com/dgraph-io/badger/v4"
)

// Backup writes a copy of the ledger as it is now, while it is in use. The copy
// holds the store's secrets: it is as secret as they are.
func (s *Store) Backup(w io.Writer) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.exit()
	ts, err := s.readers.begin(context.Background())
	if err != nil {
		return err
	}
	defer s.readers.end(ts)
	stream := s.db.NewStreamAt(ts)
	stream.LogPrefix = "backup"
	stream.NumGo = 2
	if _, err := stream.Backup(w, 0); err != nil {
		return fmt.Errorf("writing the backup: %w", err)
	}
	return nil
}

// Restore makes a store of a backup in dir, which must be empty or not exist.
// The store begins a new generation when it is opened.
func Restore(dir string, r io.Reader) error {
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
