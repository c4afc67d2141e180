package badger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
	"github.com/rahgir/caddy-payments/storage/storagetest"
)

// flipsVariable names the environment variable that sets how many single bits
// are flipped, each in a ledger of its own; a release flips five thousand.
const flipsVariable = "PAYMENTS_TEST_FLIPS"

func flips(t *testing.T, otherwise int) int {
	v := os.Getenv(flipsVariable)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	must(t, err)
	return n
}

// specimen is a ledger as a kill -9 leaves it: its files, without the zeros at
// their ends, and what must be in there.
type specimen struct {
	files map[string]fileOf
	names []string
	want  []*payment.Record
}

type fileOf struct {
	bytes []byte
	size  int64
}

const besideIt = "ledger.generation"

// newSpecimen makes a ledger with tables, some of them compacted, a log that was
// replayed once, a log that is written, and a journal of several segments.
func newSpecimen(t *testing.T) *specimen {
	t.Helper()
	sp := &specimen{files: map[string]fileOf{}}
	dir := filepath.Join(t.TempDir(), "ledger")
	small := func(c *config) { c.memTable, c.tick, c.reserve = mib, time.Hour, 0 }
	n := 0
	var s *Store
	for round := range 5 {
		s = openKillable(t, dir, small)
		sp.want = append(sp.want, payAll(t, s, n, n+20+30*round)...)
		n = len(sp.want)
		must(t, s.journal.keepNote())
		switch round {
		case 3: // and its log is read again
			s = killed(t, s)
			dir = s.dir
			must(t, s.Close())
		case 4: // is still being written to
		default:
			must(t, s.Close())
		}
	}
	from := filepath.Join(t.TempDir(), "ledger")
	copyLedger(t, s.dir, from)
	root := filepath.Dir(from)
	must(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		sp.files[rel] = fileOf{bytes.TrimRight(b, "\x00"), int64(len(b))}
		sp.names = append(sp.names, rel)
		return err
	}))
	slices.Sort(sp.names)
	return sp
}

// payAll writes many payments, several at a time.
func payAll(t testing.TB, s *Store, from, to int) []*payment.Record {
	rs := make([]*payment.Record, to-from)
	var wg sync.WaitGroup
	for w := range 32 {
		wg.Go(func() {
			for i := w; i < len(rs); i += 32 {
				rs[i] = pay(t, s, from+i)
			}
		})
	}
	wg.Wait()
	return rs
}

// pay writes a payment as the engine does: a claim, "verified" with its keys,
// and a lazy end.
func pay(t testing.TB, s *Store, n int) *payment.Record {
	t.Helper()
	r := delivered(n)
	keys := r.Keys(false)
	commit := func(c payment.Change) {
		t.Helper()
		if c.Record = r; s.Commit(context.Background(), c) != nil {
			t.Errorf("payment %d was not written", n)
		}
	}
	r.State, r.Due = payment.Verifying, r.CreatedAt
	commit(payment.Change{})
	r.State = payment.Verified
	commit(payment.Change{Take: keys})
	if n%3 == 0 {
		r.State, r.Due = payment.Delivered, time.Time{}
		commit(payment.Change{Lazy: true})
	}
	return r
}

// lay puts the specimen somewhere and returns the ledger's directory.
func (sp *specimen) lay(t *testing.T, root string) string {
	t.Helper()
	must(t, os.RemoveAll(root))
	for name, f := range sp.files {
		path := filepath.Join(root, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, f.bytes, 0o600))
		must(t, os.Truncate(path, f.size))
	}
	return filepath.Join(root, "ledger")
}

// What came of a damage.
const (
	harmless = "harmless"
	repaired = "repaired"
	said     = "said"    // opens, and says that it may have forgotten
	refusing = "refused" // does not open, or answers with an error
	silent   = "SILENT"
)

// examine opens a damaged ledger and looks for everything that was acknowledged.
func (sp *specimen) examine(t *testing.T, dir string) (verdict, detail string) {
	t.Helper()
	told := ""
	s, err := Open(dir, onNewLife(func(why string) { told = why }), func(c *config) { c.reserve, c.tick, c.memTable = 0, time.Hour, mib })
	if err != nil {
		return refusing, err.Error()
	}
	defer s.Close()
	for _, want := range sp.want {
		if err := intact(s, want); err != nil {
			switch {
			case told != "":
				return said, told
			case errors.Is(err, errMissing):
				return silent, err.Error()
			}
			return refusing, err.Error()
		}
	}
	switch {
	case told != "":
		return said, told
	case s.opening.entries > 0:
		return repaired, fmt.Sprintf("%d records, %d entries", s.opening.records, s.opening.entries)
	}
	return harmless, ""
}

var errMissing = errors.New("a payment is missing or another")

func intact(s *Store, want *payment.Record) error {
	ctx := context.Background()
	got, err := s.Get(ctx, want.Ref)
	if errors.Is(err, payment.ErrNotFound) {
		return fmt.Errorf("%w: %s", errMissing, want.Order)
	}
	if err != nil {
		return err
	}
	is, err := packed.Body(got, got.Version)
	if err != nil {
		return err
	}
	if was, err := packed.Body(want, want.Version); err != nil || !bytes.Equal(is, was) {
		return fmt.Errorf("%w: %s: %s", errMissing, want.Order, storagetest.Diff(got, want))
	}
	for _, k := range want.Keys(false) {
		holder, err := s.Holder(ctx, k)
		if errors.Is(err, payment.ErrNotFound) || err == nil && holder != want.Ref {
			return fmt.Errorf("%w: %s: its %s", errMissing, want.Order, k.Kind)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tally counts verdicts by kind of file.
type tally map[string]map[string]int

func (y tally) add(file, verdict string) {
	kind := filepath.Base(file)
	if ext := filepath.Ext(kind); ext != "" {
		kind = ext
	}
	for _, k := range []string{kind, "all"} {
		if y[k] == nil {
			y[k] = map[string]int{}
		}
		y[k][verdict]++
	}
}

func (y tally) String() string {
	var b strings.Builder
	kinds := make([]string, 0, len(y))
	for k := range y {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	for _, k := range kinds {
		fmt.Fprintf(&b, "\n%-14s", k)
		for _, v := range []string{harmless, repaired, said, refusing, silent} {
			fmt.Fprintf(&b, " %s %d", v, y[k][v])
		}
	}
	return b.String()
}

// TestDamage does to the files of a ledger what disks and people do.
func TestDamage(t *testing.T) {
	t.Parallel()
	sp := newSpecimen(t)
	t.Run("FlippedBits", func(t *testing.T) { testFlippedBits(t, sp) })
	t.Run("TornLogs", func(t *testing.T) { testTornLogs(t, sp) })
	t.Run("MissingFiles", func(t *testing.T) { testMissingFiles(t, sp) })
}

// testFlippedBits: a bit that flips anywhere in any file is harmless, or
// mended, or noticed. Never is a payment missing without a word.
func testFlippedBits(t *testing.T, sp *specimen) {
	root := filepath.Join(t.TempDir(), "flipped")
	src := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	n, seen := flips(t, 18), tally{}
	for i := range n {
		dir := sp.lay(t, root)
		name := sp.names[i%len(sp.names)]
		f := sp.files[name]
		// Mostly where something is written.
		span := int64(len(f.bytes)) + 64
		if i%16 == 15 {
			span = f.size
		}
		if span = min(span, f.size); span == 0 {
			continue
		}
		at, bit := src.Int64N(span), src.IntN(8)
		b := append(bytes.Clone(f.bytes), make([]byte, max(0, at+1-int64(len(f.bytes))))...)
		b[at] ^= 1 << bit
		must(t, os.WriteFile(filepath.Join(root, name), b, 0o600))
		must(t, os.Truncate(filepath.Join(root, name), f.size))
		verdict, detail := sp.examine(t, dir)
		seen.add(name, verdict)
		if verdict == silent {
			t.Errorf("bit %d of byte %d of %s: %s", bit, at, name, detail)
		}
	}
	t.Logf("%d payments; of %d flips:%s", len(sp.want), n, seen)
}

// testTornLogs: whatever a power cut leaves of the log that was written last,
// and of the journal, everything acknowledged is there.
func testTornLogs(t *testing.T, sp *specimen) {
	root := filepath.Join(t.TempDir(), "torn")
	n, seen := flips(t, 12), tally{}
	src := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 2))
	log := ""
	for _, name := range sp.names {
		if filepath.Ext(name) == ".mem" {
			log = name // the newest
		}
	}
	for i := range n {
		f := sp.files[log]
		b := append(bytes.Clone(f.bytes), make([]byte, f.size-int64(len(f.bytes)))...)
		at := src.IntN(len(f.bytes) + 1)
		if i%2 == 0 { // the last of it
			at = max(0, len(f.bytes)-src.IntN(64<<10))
		}
		switch i % 3 {
		case 0:
			b = b[:at]
		case 1:
			clear(b[at:])
		case 2: // a page that was not written, in the middle
			clear(b[at:min(len(b), at+4096)])
		}
		dir := sp.lay(t, root)
		must(t, os.WriteFile(filepath.Join(root, log), b, 0o600))
		verdict, detail := sp.examine(t, dir)
		seen.add(log, verdict)
		// The journal has all of it: nothing less than whole will do.
		if verdict != repaired && verdict != harmless {
			t.Errorf("%s at %d of %d, case %d: %s: %s", log, at, len(f.bytes), i%3, verdict, detail)
		}
	}
	t.Logf("of %d torn logs:%s", n, seen)
}

// testMissingFiles: each file is deleted, emptied, and cut.
func testMissingFiles(t *testing.T, sp *specimen) {
	root := filepath.Join(t.TempDir(), "missing")
	src := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 3))
	seen := tally{}
	for _, name := range append(sp.names, "ledger/journal") {
		for what, harm := range map[string]func(path string) error{
			"deleted":   os.RemoveAll,
			"emptied":   func(path string) error { return os.Truncate(path, 0) },
			"one byte":  func(path string) error { return os.Truncate(path, 1) },
			"half":      func(path string) error { return os.Truncate(path, int64(len(sp.files[name].bytes))/2) },
			"last byte": func(path string) error { return os.Truncate(path, max(0, int64(len(sp.files[name].bytes))-1)) },
		} {
			if name == "ledger/journal" && what != "deleted" {
				continue
			}
			if what != "deleted" && src.IntN(4) > 0 && os.Getenv(flipsVariable) == "" {
				continue // a release tries them all
			}
			dir := sp.lay(t, root)
			must(t, harm(filepath.Join(root, name)))
			verdict, detail := sp.examine(t, dir)
			seen.add(name, verdict)
			if verdict == silent {
				t.Errorf("%s %s: %s", name, what, detail)
			}
			t.Logf("%s %s: %s %s", name, what, verdict, detail)
		}
	}
	if len(sp.files[besideIt].bytes) == 0 || len(sp.names) < 9 {
		t.Errorf("too few files: %v", sp.names)
	}
	t.Log(seen)
}
