package badger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

func holderChild() {
	s, err := Open(os.Getenv(childDir))
	fmt.Println("open", err)
	if err == nil {
		time.Sleep(time.Minute)
		_ = s.Close()
	}
}

func TestLocked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	cmd, out := child(t, "holder", dir)
	if !out.Scan() || out.Text() != "open <nil>" {
		t.Fatal(out.Text())
	}
	_, err := Open(dir)
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), dir+"; use `caddy reload`") {
		t.Errorf("%v", err)
	}
	// A command can't be reloaded.
	_, _, err = (&Module{Dir: dir}).OpenToMove(t.Context(), zap.NewNop(), true)
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "stop Caddy first") || strings.Contains(err.Error(), "reload") {
		t.Errorf("%v", err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	open(t, dir)
}

func TestModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "ledger")
	s := open(t, dir)
	for _, path := range []string{dir, s.cfg.generationFile, filepath.Join(dir, journalDir, "HEAD")} {
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if st.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %v", path, st.Mode())
		}
	}
}

// Nothing panics, and nobody waits for ever, around and after the end.
func TestCloseUnderLoad(t *testing.T) {
	before := ours()
	defer func() {
		for range 100 { // those that are about to end
			if ours() <= before {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Errorf("%d goroutines of the store are left, %d were there", ours(), before)
	}()
	for range 5 {
		s, err := Open(filepath.Join(t.TempDir(), "ledger"))
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		var wg sync.WaitGroup
		for w := range 16 {
			wg.Go(func() {
				for n := w; ; n += 16 {
					r := delivered(n)
					err := s.Commit(ctx, payment.Change{Record: r, Lazy: n%3 == 0})
					if err == nil {
						_, err = s.Get(ctx, r.Ref)
					}
					if err == nil {
						_, err = s.List(ctx, payment.Listing{Limit: 5})
					}
					if err == nil {
						_, err = s.Due(ctx, r.CreatedAt, 5)
					}
					if err != nil {
						if !errors.Is(err, payment.ErrClosed) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		time.Sleep(20 * time.Millisecond)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if err := s.Close(); err != nil {
			t.Errorf("closing twice: %v", err)
		}
		refused(t, s)
	}
}

// ours counts the goroutines of stores, and of what lies below them.
func ours() int {
	buf := make([]byte, 1<<20)
	n := 0
	for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(g, "badger.(*") || strings.Contains(g, "ristretto") {
			n++
		}
	}
	return n
}

func refused(t *testing.T, s *Store) {
	t.Helper()
	ctx := context.Background()
	_, errGet := s.Get(ctx, delivered(1).Ref)
	_, errHolder := s.Holder(ctx, payment.ReceiptKey("i", "1"))
	_, errDue := s.Due(ctx, time.Now(), 1)
	_, errList := s.List(ctx, payment.Listing{})
	_, errReserve := s.Reserve(ctx, []payment.Key{payment.ReceiptKey("i", "1")})
	_, errTrack := s.Track(ctx, "v")
	_, errSecret := s.Secret(ctx, "n", func() ([]byte, error) { return []byte("x"), nil })
	_, errGen := s.Generation(ctx)
	for name, err := range map[string]error{
		"Get": errGet, "Holder": errHolder, "Due": errDue, "List": errList, "Reserve": errReserve, "Track": errTrack,
		"Secret": errSecret, "Generation": errGen, "Ready": s.Ready(), "Backup": backup(s, &bytes.Buffer{}),
		"Commit":   s.Commit(ctx, payment.Change{Record: delivered(1)}),
		"Forget":   s.Forget(ctx, delivered(1).Ref, 1),
		"PutTrack": s.PutTrack(ctx, "v", payment.Track{}, time.Now()),
	} {
		if !errors.Is(err, payment.ErrClosed) {
			t.Errorf("%s after the end: %v", name, err)
		}
	}
}

func TestCount(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "ledger"))
	ctx := context.Background()
	for n := range 30 {
		r := delivered(n)
		r.State, r.Receipt = payment.Declined, nil
		if err := s.Commit(ctx, payment.Change{Record: r}); err != nil {
			t.Fatal(err)
		}
		if n%3 == 0 {
			if err := s.Forget(ctx, r.Ref, 1); err != nil {
				t.Fatal(err)
			}
		}
	}
	s = reopen(t, s)
	if n, exact := s.Count(); n != 20 || !exact {
		t.Errorf("%d records, %v", n, exact)
	}
	// After an unclean end they are counted.
	if err := s.queue.Submit(&change{Ctx: ctx, Stage: func(getter) ([]write, error) { return []write{{Key: metaClean, Value: []byte("?")}}, nil }}); err != nil {
		t.Fatal(err)
	}
	s.queue.Break(errors.New("cut off")) // so that nothing is written down at close
	s = reopen(t, s)
	<-s.counts.counted
	if n, exact := s.Count(); n != 20 || !exact {
		t.Errorf("%d records, %v", n, exact)
	}
}

func TestPruneTracks(t *testing.T) {
	now := time.Date(2026, 3, 21, 0, 0, 0, 0, time.UTC)
	s := open(t, filepath.Join(t.TempDir(), "ledger"), func(c *config) { c.now = func() time.Time { return now } }, WithMaxTracks(700))
	ctx := context.Background()
	for n := range 700 {
		if err := s.PutTrack(ctx, fmt.Sprint(n), payment.Track{ID: "x"}, now.Add(time.Duration(1+n%2)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.PutTrack(ctx, "0", payment.Track{ID: "again"}, now.Add(10*time.Hour)); err != nil {
		t.Fatal(err)
	}
	now = now.Add(90 * time.Minute)
	s.prune(ctx)
	if n := s.counts.tracks.Load(); n != 351 {
		t.Errorf("%d tracks left, want 351", n)
	}
	if tr, err := s.Track(ctx, "0"); err != nil || tr.ID != "again" {
		t.Errorf("a track that was renewed: %v, %v", tr, err)
	}
	if err := s.PutTrack(ctx, "new", payment.Track{ID: "x"}, now.Add(time.Hour)); err != nil {
		t.Errorf("after room was made: %v", err)
	}
}

func TestFormats(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "ledger"))
	ctx := context.Background()
	r := delivered(1)
	k, _ := r.Ref.Bytes()
	raw := func(key, value []byte) {
		t.Helper()
		if err := s.queue.Submit(&change{Ctx: ctx, Stage: func(getter) ([]write, error) { return []write{{Key: key, Value: value}}, nil }}); err != nil {
			t.Fatal(err)
		}
	}
	raw(recordKey(k), []byte{packed.Format + 1, 0, 0, 1, 2, 3})
	if _, err := s.Get(ctx, r.Ref); !errors.Is(err, ErrFormat) {
		t.Errorf("a record of a newer format: %v", err)
	}
	if err := s.Commit(ctx, payment.Change{Record: r}); !errors.Is(err, ErrFormat) {
		t.Errorf("writing over a record of a newer format: %v", err)
	}
	raw(recordKey(k), []byte{packed.Format})
	if _, err := s.Get(ctx, r.Ref); !errors.Is(err, packed.ErrCorrupt) {
		t.Errorf("a damaged record: %v", err)
	}
	raw(recordKey(k), []byte{packed.Format - 1, 0, 0})
	if _, err := s.Get(ctx, r.Ref); !errors.Is(err, ErrFormat) {
		t.Errorf("a record of a format from before the first release: %v", err)
	}
}

// Neither a store of a newer version nor one from before the first release is opened.
func TestStoreFormats(t *testing.T) {
	for _, format := range []byte{1, storeFormat - 1, storeFormat + 1} {
		s := open(t, filepath.Join(t.TempDir(), "ledger"))
		if err := s.queue.Submit(&change{Ctx: t.Context(), Stage: func(getter) ([]write, error) {
			return []write{{Key: metaFormat, Value: []byte{format}}}, nil
		}}); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(s.dir); !errors.Is(err, ErrFormat) {
			t.Errorf("a store of format %d: %v", format, err)
		}
	}
}

func TestCompact(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "ledger"))
	fill(t, s, 0, 500, 16)
	s.compact()
	if _, err := s.Get(context.Background(), delivered(7).Ref); err != nil {
		t.Error(err)
	}
	s = reopen(t, s)
	s.compact()
	for n := range 500 {
		if r, err := s.Get(context.Background(), delivered(n).Ref); err != nil || r.State != payment.Delivered {
			t.Fatalf("%d: %v", n, err)
		}
	}
}
