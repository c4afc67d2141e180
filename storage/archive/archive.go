// Package archive moves a ledger from one store to another through a file. The file has
// one JSON value a line: the ledger's generation first, the count and the checksum last.
// It contains the ledger's secrets.
package archive

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// Errors of archives.
var (
	// ErrIncomplete: the file has no end.
	ErrIncomplete = errors.New("the archive is not complete; export it again with the same file, which goes on where it stopped")
	// ErrCut: the backup has no end.
	ErrCut = errors.New("the backup is not complete: it was cut off while it was written; make another one")
	// ErrOther: the file is of another ledger, or the ledger went on since.
	ErrOther = errors.New("the archive is not of this ledger as it is now; export into a new file")
	// ErrDiffers: what arrived is not what was sent.
	ErrDiffers = errors.New("what is in the ledger now is not what is in the archive; it takes no payments: move it away and begin with an empty one")
	// ErrNotEmpty: the ledger has payments of its own.
	ErrNotEmpty = errors.New("this ledger is not empty: a ledger is imported into an empty one")
	// ErrPipe: the archive can't be read twice.
	ErrPipe = errors.New("an archive is read through before anything is written, so it must be a file, no pipe; write it into a file first and name that")
	// ErrShape: the file is no archive.
	ErrShape = errors.New("this is not an archive of a ledger")
)

// Progress is told how many items are done, and of how many, 0 if that is not
// known.
type Progress func(done, of int64)

// Export writes a ledger that nobody works on into a file. If the file exists and
// has no end, it goes on where it stopped.
//
// Invariant: without an error, the file holds the ledger as it is now. An archive that is
// complete was perhaps written before the last payments, so it is compared, too.
func Export(ctx context.Context, from storage.Migrator, path string, tell Progress) (sum Summary, err error) {
	gen, err := from.Generation(ctx)
	if err != nil {
		return sum, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return sum, fmt.Errorf("writing the archive: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	have, at, end, err := scan(f, func(h head) error {
		if h.ID != gen.ID || h.Seq != gen.Seq || !h.Start.Equal(gen.Start) {
			return ErrOther
		}
		return nil
	}, nil)
	if err != nil {
		return sum, err
	}
	if end != nil {
		now, err := Sum(ctx, from)
		if err == nil && !now.equal(*end) {
			err = ErrOther
		}
		return now, err
	}
	if err := f.Truncate(at); err != nil {
		return sum, fmt.Errorf("writing the archive: %w", err)
	}
	if _, err := f.Seek(at, io.SeekStart); err != nil {
		return sum, fmt.Errorf("writing the archive: %w", err)
	}
	out := bufio.NewWriterSize(f, 1<<20)
	enc := json.NewEncoder(out)
	first := head{format, gen.ID, gen.Seq, gen.Start}
	if at == 0 {
		if err := enc.Encode(first); err != nil {
			return sum, err
		}
	}
	skip, all := have.total(), newAdder()
	err = from.Dump(ctx, func(it storage.Item) error {
		all.add(it)
		n := all.total()
		if n <= skip {
			if n == skip && all.summary().Sum != have.summary().Sum {
				return ErrOther
			}
			return nil
		}
		tell(n, 0)
		return enc.Encode(it)
	})
	if err != nil {
		return sum, errors.Join(err, out.Flush())
	}
	if all.total() < skip {
		return sum, ErrOther
	}
	sum = all.summary()
	if err := enc.Encode(tail{&sum, first.hash()}); err != nil {
		return sum, err
	}
	return sum, errors.Join(out.Flush(), f.Sync())
}

// Write writes an archive of a ledger that is in use, of one moment, in one go: without
// its end it is not complete, and no ledger is filled from it.
func Write(ctx context.Context, from storage.Backer, to io.Writer, tell Progress) (sum Summary, err error) {
	gen, err := from.Generation(ctx)
	if err != nil {
		return sum, err
	}
	out := bufio.NewWriterSize(to, 1<<16)
	enc := json.NewEncoder(out)
	first := head{format, gen.ID, gen.Seq, gen.Start}
	if err := enc.Encode(first); err != nil {
		return sum, err
	}
	all := newAdder()
	err = from.Backup(ctx, func(it storage.Item) error {
		all.add(it)
		tell(all.total(), 0)
		return enc.Encode(it)
	})
	if err != nil {
		return sum, err
	}
	sum = all.summary()
	return sum, errors.Join(enc.Encode(tail{&sum, first.hash()}), out.Flush())
}

// About is what an archive says of itself.
type About struct {
	Summary
	// Newest is when the last of its payments changed, and Providers whose they are.
	Newest    time.Time `json:"newest,omitzero"`
	Providers []string  `json:"providers"`
}

// Look reads an archive through, and makes sure that it is complete and was not changed.
func Look(in io.Reader) (a About, err error) {
	names := make(map[string]bool)
	_, _, end, err := scan(in, func(head) error { return nil }, func(it storage.Item) error {
		if it.Kind != storage.KindRecord {
			return nil
		}
		e, err := packed.Decode(payment.RefOf(it.Name), it.Value)
		if err != nil {
			return err
		}
		names[e.Rec.Provider] = true
		if e.Rec.UpdatedAt.After(a.Newest) {
			a.Newest = e.Rec.UpdatedAt
		}
		return nil
	})
	if err != nil {
		return a, err
	}
	if end == nil {
		return a, ErrCut
	}
	a.Summary, a.Providers = *end, slices.Sorted(maps.Keys(names))
	return a, nil
}

// Open opens an archive that is to become a ledger. It is read more than once, so what can't
// be, such as a pipe, is refused before anything is read.
func Open(path string) (*os.File, error) {
	st, err := os.Stat(path)
	if path == "-" && errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: - would be standard input", ErrPipe)
	}
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s", ErrPipe, path)
	}
	return os.Open(path)
}

// importBatch is how many items are written at once.
const importBatch = 1000

// Import fills an empty ledger from a file, compares what has arrived with what
// was sent, and only then lets payments in, in a new generation. If it was cut
// short, the same import goes on.
func Import(ctx context.Context, to storage.Migrator, path string, tell Progress) (sum Summary, err error) {
	f, err := Open(path)
	if err != nil {
		return sum, fmt.Errorf("reading the archive: %w", err)
	}
	defer f.Close()
	// Once through before anything is written: half of a ledger is worth nothing.
	var from head
	// What arrives is written as this version writes it, so that is what is compared.
	today := newAdder()
	_, _, end, err := scan(f, func(h head) error { from = h; return nil }, func(it storage.Item) error {
		it, err := rewritten(it)
		today.add(it)
		return err
	})
	if err != nil {
		return sum, err
	}
	if end == nil {
		return sum, ErrIncomplete
	}
	want := today.summary()
	if err := begin(ctx, to, want); err != nil {
		return sum, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return sum, fmt.Errorf("reading the archive: %w", err)
	}
	var batch []storage.Item
	done, total := int64(0), end.Total()
	flush := func() error {
		err := to.Load(ctx, batch)
		done += int64(len(batch))
		batch = batch[:0]
		tell(done, total)
		return err
	}
	_, _, _, err = scan(f, func(head) error { return nil }, func(it storage.Item) error {
		if batch = append(batch, it); len(batch) < importBatch {
			return ctx.Err()
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return sum, err
	}
	if sum, err = Sum(ctx, to); err != nil {
		return sum, err
	}
	if !sum.equal(want) {
		return sum, fmt.Errorf("%w: %v, not %v", ErrDiffers, sum.Counts, want.Counts)
	}
	if err := to.Renew(ctx, from.Seq); err != nil {
		return sum, err
	}
	return sum, to.SetFrozen(ctx, storage.Usable)
}

// rewritten returns an item as this version writes it: an archive may be of an earlier
// one.
func rewritten(it storage.Item) (storage.Item, error) {
	if it.Kind != storage.KindRecord {
		return it, nil
	}
	e, err := packed.Decode(payment.RefOf(it.Name), it.Value)
	if err != nil {
		return it, err
	}
	it.Value, err = packed.Canonical(e)
	return it, err
}

// begin makes sure that the ledger is empty, or holds a part of the same import.
func begin(ctx context.Context, to storage.Migrator, end Summary) error {
	if to.Frozen() == storage.Receiving {
		return nil // what is there already is compared in the end
	}
	have, err := Sum(ctx, to)
	if err != nil {
		return err
	}
	if have.equal(end) && to.Frozen() == storage.Moved {
		return to.SetFrozen(ctx, storage.Receiving) // it comes back to where it was
	}
	if have.Total() > 0 {
		return ErrNotEmpty
	}
	return to.SetFrozen(ctx, storage.Receiving)
}

// Sum says what a ledger holds.
func Sum(ctx context.Context, s storage.Migrator) (Summary, error) {
	all := newAdder()
	err := s.Dump(ctx, func(it storage.Item) error { all.add(it); return nil })
	return all.summary(), err
}
