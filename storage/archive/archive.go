// Package archive moves a ledger from one store to another through a file. The file has
// one JSON value a line: the ledger's generation first, the count and the checksum last.
// It contains the ledger's secrets.
package archive

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/bits"
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
	// ErrShape: the file is no archive.
	ErrShape = errors.New("this is not an archive of a ledger")
)

const format = 1

// head is an archive's first line.
type head struct {
	Archive int       `json:"caddy_payments_ledger"`
	ID      string    `json:"id"`
	Seq     uint32    `json:"generation"`
	Start   time.Time `json:"start"`
}

// hash is what the last line says of the first: the items' sum doesn't cover it.
func (h head) hash() string {
	line, _ := json.Marshal(h)
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}

// tail is its last. Nothing stands after it.
type tail struct {
	End *Summary `json:"end"`
	// Head is the first line's hash. Archives of earlier versions have none.
	Head string `json:"head,omitempty"`
}

// Summary says what a ledger holds. Two ledgers with the same summary hold the
// same, in whatever order.
type Summary struct {
	Counts map[storage.Kind]int64 `json:"counts"`
	Sum    string                 `json:"sum"`
}

// Total returns how many items there are.
func (s Summary) Total() (n int64) {
	for _, c := range s.Counts {
		n += c
	}
	return n
}

func (s Summary) equal(o Summary) bool {
	if s.Sum != o.Sum {
		return false
	}
	for _, k := range []storage.Kind{storage.KindSecret, storage.KindKey, storage.KindRecord, storage.KindTrack} {
		if s.Counts[k] != o.Counts[k] {
			return false
		}
	}
	return true
}

// adder adds the items' hashes up, as numbers of 256 bits, so that their order
// does not matter.
type adder struct {
	counts map[storage.Kind]int64
	sum    [4]uint64
}

func newAdder() *adder { return &adder{counts: make(map[storage.Kind]int64)} }

func (a *adder) add(it storage.Item) {
	a.counts[it.Kind]++
	h := sha256.New()
	var n [8]byte
	for _, part := range [][]byte{[]byte(it.Kind), it.Name, it.Value} {
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		_, _ = h.Write(n[:])
		_, _ = h.Write(part)
	}
	hash := h.Sum(nil)
	carry := uint64(0)
	for i := range a.sum {
		a.sum[i], carry = bits.Add64(a.sum[i], binary.LittleEndian.Uint64(hash[8*i:]), carry)
	}
}

func (a *adder) summary() Summary {
	b := make([]byte, 0, 32)
	for _, v := range a.sum {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return Summary{a.counts, hex.EncodeToString(b)}
}

func (a *adder) total() int64 { return a.summary().Total() }

// Progress is told how many items are done, and of how many, 0 if that is not
// known.
type Progress func(done, of int64)

// Export writes a ledger that nobody works on into a file. If the file exists and
// has no end, it goes on where it stopped.
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
		return *end, nil
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

// scan reads an archive up to its last whole line and reports where that ends;
// end is nil if the archive is not complete.
func scan(r io.Reader, isHead func(head) error, each func(storage.Item) error) (all *adder, at int64, end *Summary, err error) {
	all = newAdder()
	in := bufio.NewReaderSize(r, 1<<20)
	var h head
	for first := true; ; first = false {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return all, at, nil, nil // what has no end of line was cut off
		}
		if err != nil {
			return all, at, nil, fmt.Errorf("reading the archive: %w", err)
		}
		switch {
		case first:
			if json.Unmarshal(line, &h) != nil || h.Archive == 0 {
				return all, at, nil, ErrShape
			}
			if h.Archive != format {
				return all, at, nil, fmt.Errorf("%w that this version knows: format %d", ErrShape, h.Archive)
			}
			if err := isHead(h); err != nil {
				return all, at, nil, err
			}
		case bytes.HasPrefix(line, []byte(`{"end":`)):
			var t tail
			if json.Unmarshal(line, &t) != nil || t.End == nil || !t.End.equal(all.summary()) || t.Head != "" && t.Head != h.hash() {
				return all, at, nil, fmt.Errorf("%w: it was changed", ErrShape)
			}
			// What follows the end is covered by no sum, and may be the ledger that somebody meant.
			switch _, err := in.ReadByte(); {
			case err == nil:
				return all, at, nil, fmt.Errorf("%w: something follows its end at byte %d; if files were joined, take them apart", ErrShape, at+int64(len(line)))
			case !errors.Is(err, io.EOF):
				return all, at, nil, fmt.Errorf("reading the archive: %w", err)
			}
			return all, at, t.End, nil
		default:
			var it storage.Item
			if json.Unmarshal(line, &it) != nil || it.Kind == "" || len(it.Name) == 0 {
				return all, at, nil, fmt.Errorf("%w: line after byte %d", ErrShape, at)
			}
			all.add(it)
			if each != nil {
				if err := each(it); err != nil {
					return all, at, nil, err
				}
			}
		}
		at += int64(len(line))
	}
}

// importBatch is how many items are written at once.
const importBatch = 1000

// Import fills an empty ledger from a file, compares what has arrived with what
// was sent, and only then lets payments in, in a new generation. If it was cut
// short, the same import goes on.
func Import(ctx context.Context, to storage.Migrator, path string, tell Progress) (sum Summary, err error) {
	f, err := os.Open(path)
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
