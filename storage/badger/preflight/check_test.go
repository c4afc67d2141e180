package preflight

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	bdb "github.com/dgraph-io/badger/v4"
	boptions "github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/table"
	"go.uber.org/zap"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func options(dir string) Options {
	return Options{
		Badger: bdb.DefaultOptions(dir).WithMemTableSize(mib).WithValueThreshold(mib / 32).WithCompression(boptions.Snappy).
			WithBlockSize(8192).WithBlockCacheSize(mib).WithLogger(nil),
		Journal: filepath.Join(dir, "journal"),
		Log:     zap.NewNop,
	}
}

// store makes a closed Badger store with a table for each of n rounds.
func store(t *testing.T, n int) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "store")
	must(t, os.MkdirAll(dir, 0o700))
	for round := range n {
		db, err := Open(options(dir).Badger)
		must(t, err)
		fill(t, db, round)
		must(t, db.Close())
	}
	return dir
}

func fill(t *testing.T, db *bdb.DB, round int) {
	t.Helper()
	txn := db.NewTransactionAt(uint64(round), true)
	defer txn.Discard()
	for i := range 400 {
		key := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(round*1000+i)))
		must(t, txn.Set(key[:], bytes.Repeat(key[:], 4)))
	}
	must(t, txn.CommitAt(uint64(round)+1, nil))
}

func tablesOf(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	must(t, err)
	if len(names) == 0 {
		t.Fatal("no table")
	}
	return names
}

// A store that is whole passes, and is remembered; each file that is missing, and
// each that is cut, is found before Badger opens anything.
func TestCheck(t *testing.T) {
	t.Parallel()
	dir := store(t, 3)
	for range 2 { // the second time from what was remembered
		found, err := Check(dir, options(dir))
		must(t, err)
		if len(found.Tables.Sums()) != len(tablesOf(t, dir)) || found.MemTable != mib {
			t.Errorf("%+v", found)
		}
	}
	names := append(tablesOf(t, dir), filepath.Join(dir, bdb.ManifestFilename))
	for _, path := range names {
		whole, err := os.ReadFile(path)
		must(t, err)
		must(t, os.Remove(path))
		if _, err := Check(dir, options(dir)); !errors.Is(err, ErrDamaged) {
			t.Errorf("without %s: %v", path, err)
		}
		if filepath.Ext(path) == ".sst" {
			must(t, os.WriteFile(path, whole[:len(whole)/2], 0o600))
			if _, err := Check(dir, options(dir)); !errors.Is(err, ErrDamaged) {
				t.Errorf("with half of %s: %v", path, err)
			}
		}
		must(t, os.WriteFile(path, whole, 0o600))
	}
	_, err := Check(dir, options(dir))
	must(t, err)
}

// Another process that has the directory open is named.
func TestCheckWhileOpen(t *testing.T) {
	t.Parallel()
	dir := store(t, 1)
	db, err := Open(options(dir).Badger)
	must(t, err)
	defer db.Close()
	if _, err := Check(dir, options(dir)); !errors.Is(err, ErrLocked) {
		t.Errorf("Check: %v", err)
	}
	if _, err := Open(options(dir).Badger); !errors.Is(err, ErrLocked) {
		t.Errorf("Open: %v", err)
	}
}

// A table that rots while the store is open is found by a look at all tables, and not
// by one at the new ones.
func TestTablesRot(t *testing.T) {
	t.Parallel()
	dir := store(t, 2)
	found, err := Check(dir, options(dir))
	must(t, err)
	db, err := Open(options(dir).Badger)
	must(t, err)
	defer db.Close()
	must(t, found.Tables.Check(context.Background(), db.Tables, true))
	path := tablesOf(t, dir)[0]
	whole, err := os.ReadFile(path)
	must(t, err)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	_, err = f.WriteAt([]byte{whole[10] ^ 1}, 10)
	must(t, err)
	must(t, found.Tables.Check(context.Background(), db.Tables, false))
	if err := found.Tables.Check(context.Background(), db.Tables, true); !errors.Is(err, ErrDamaged) {
		t.Errorf("%v", err)
	}
	_, err = f.WriteAt(whole[10:11], 10)
	must(t, err)
}

// Badger's list of tables is known by its beginning.
func TestManifestMark(t *testing.T) {
	t.Parallel()
	dir := store(t, 3)
	path := filepath.Join(dir, bdb.ManifestFilename)
	whole, err := os.ReadFile(path)
	must(t, err)
	mark, err := markManifest(dir)
	must(t, err)
	longer := append(bytes.Clone(whole), whole[manifestHead:]...)
	if !mark.holds(whole, int64(len(whole))) || !mark.holds(longer, int64(len(longer))) {
		t.Error("a list that only grew")
	}
	for n := range whole {
		if mark.holds(whole[:n], int64(n)) {
			t.Fatalf("a list that was cut at %d of %d", n, len(whole))
		}
	}
	if mark.holds(longer, int64(len(whole)-1)) {
		t.Error("a list of which Badger can't read as much as it could")
	}
}

// Each byte of a table is looked at.
func TestCheckTable(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(tablesOf(t, store(t, 1))[0])
	must(t, err)
	must(t, checkTable(whole, boptions.Snappy))
	passed := 0
	for at := 0; at < len(whole); at += 7 {
		b := bytes.Clone(whole)
		b[at] ^= 1 << (at % 8)
		if checkTable(b, boptions.Snappy) == nil {
			passed++ // it says the same in another way, as a copy from elsewhere does
		}
		if at%997 == 0 && checkTable(whole[:at], boptions.Snappy) == nil {
			t.Fatalf("cut at %d", at)
		}
	}
	if passed > len(whole)/100 {
		t.Errorf("%d of %d flipped bits passed", passed, len(whole))
	}
	t.Logf("%d of %d flipped bits passed", passed, len(whole))
}

// A bit that flips in a table that is known is seen, whatever its times say.
func TestSumOfAFile(t *testing.T) {
	t.Parallel()
	dir := store(t, 2)
	found, err := Check(dir, options(dir))
	must(t, err)
	for id, was := range found.Tables.Sums() {
		path := table.NewFilename(id, dir)
		whole, err := os.ReadFile(path)
		must(t, err)
		st, err := os.Stat(path)
		must(t, err)
		for at := 0; at < len(whole); at += max(1, len(whole)/40) {
			whole[at] ^= 1
			must(t, os.WriteFile(path, whole, 0o600))
			must(t, os.Chtimes(path, st.ModTime(), st.ModTime())) // disks that forget keep no time of it
			if is, err := sumFile(path, was.How, make([]byte, readSize)); err != nil || is == was {
				t.Errorf("a bit of byte %d of %s: not seen, %v", at, path, err)
			}
			whole[at] ^= 1
		}
	}
}
