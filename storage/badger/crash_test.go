package badger

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// The tests below need a process that can be killed: this test binary, started
// again with these variables.
const (
	childRole = "PAYMENTS_TEST_ROLE"
	childDir  = "PAYMENTS_TEST_DIR"
	childSeed = "PAYMENTS_TEST_SEED"
)

// children are the roles that it may be started in.
var children = map[string]func(){"writer": writerChild, "filler": fillerChild, "holder": holderChild}

func TestMain(m *testing.M) {
	if role, ok := children[os.Getenv(childRole)]; ok {
		role()
		return
	}
	os.Exit(m.Run())
}

func child(t *testing.T, role, dir string, env ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), append(env, childRole+"="+role, childDir+"="+dir)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd, bufio.NewScanner(out)
}

// crashRecord is record n of a round, and the keys that it must hold.
func crashRecord(seed, n int) (*payment.Record, []payment.Key) {
	r := delivered(seed*1_000_000 + n)
	r.Due = r.CreatedAt
	r.State = payment.Verifying
	return r, r.Keys(false)
}

// writerChild commits until it is killed. It prints an acknowledgement only
// after a commit has returned: "n version".
func writerChild() {
	s, err := Open(os.Getenv(childDir))
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	seed, _ := strconv.Atoi(os.Getenv(childSeed))
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for n := w; ; n += 4 {
				r, keys := crashRecord(seed, n)
				for v := range 3 {
					c := payment.Change{Record: r}
					switch v {
					case 1:
						r.State, c.Take = payment.Verified, keys
					case 2:
						r.State, r.Due, c.Lazy = payment.Delivered, time.Time{}, true
					}
					if err := s.Commit(context.Background(), c); err != nil {
						fmt.Println("error", err)
						os.Exit(1)
					}
					mu.Lock()
					fmt.Println(n, r.Version)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
}

// TestKill kills a writing process at a random moment, again and again on the
// same ledger: what was acknowledged, lazily or not, is there, and of no change
// is there a part.
func TestKill(t *testing.T) {
	t.Parallel()
	rounds := 30
	if testing.Short() {
		rounds = 5
	}
	dir := filepath.Join(t.TempDir(), "ledger")
	total, lazy := 0, 0
	for round := range rounds {
		acked := map[int]uint64{}
		cmd, out := child(t, "writer", dir, childSeed+"="+strconv.Itoa(round))
		limit := 1 + rand.IntN(400)
		for got := 0; out.Scan(); {
			n, v, ok := strings.Cut(out.Text(), " ")
			num, err1 := strconv.Atoi(n)
			ver, err2 := strconv.ParseUint(v, 10, 64)
			if !ok || err1 != nil || err2 != nil {
				t.Fatalf("the child says: %s", out.Text())
			}
			acked[num] = max(acked[num], ver)
			if got++; got == limit {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait()
		total += len(acked)
		s, err := Open(dir)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		lazy += checkAfterKill(t, s, round, acked)
		if g, err := s.Generation(context.Background()); err != nil || g.Seq != 1 {
			t.Errorf("a kill made a new generation: %+v, %v", g, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills, %d acknowledged records, %d of them by a lazy change last", rounds, total, lazy)
}

func checkAfterKill(t *testing.T, s *Store, seed int, acked map[int]uint64) (lazy int) {
	t.Helper()
	ctx := context.Background()
	due, err := s.Due(ctx, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	isDue := map[payment.Ref]bool{}
	for _, ref := range due {
		isDue[ref] = true
	}
	for n := range acked {
		want, keys := crashRecord(seed, n)
		got, err := s.Get(ctx, want.Ref)
		if err != nil {
			t.Fatalf("record %d, acknowledged at version %d: %v", n, acked[n], err)
		}
		if got.Version < acked[n] {
			t.Fatalf("record %d is at version %d, acknowledged was %d", n, got.Version, acked[n])
		}
		if acked[n] == 3 {
			lazy++
		}
		state := []payment.State{payment.Verifying, payment.Verified, payment.Delivered}[got.Version-1]
		if got.State != state || isDue[want.Ref] != (got.Version < 3) {
			t.Errorf("record %d at version %d: %s, due %v", n, got.Version, got.State, isDue[want.Ref])
		}
		for _, k := range keys {
			ref, err := s.Holder(ctx, k)
			if held := err == nil && ref == want.Ref; held != (got.Version >= 2) {
				t.Errorf("record %d at version %d: its %s is held: %v", n, got.Version, k.Kind, held)
			}
		}
	}
	return lazy
}

// TestBroken: a commit that fails with unknown outcome ends all writing, not
// reading, until the store is opened again.
func TestBroken(t *testing.T) {
	for _, lazy := range []bool{false, true} {
		fail := false
		boom := errors.New("input/output error")
		dir := filepath.Join(t.TempDir(), "ledger")
		s := open(t, dir, func(c *config) {
			c.commitHook = func(uint64) error {
				if fail {
					return boom
				}
				return nil
			}
		})
		ctx := context.Background()
		a, b := delivered(1), delivered(2)
		if err := s.Commit(ctx, payment.Change{Record: a}); err != nil {
			t.Fatal(err)
		}
		fail = true
		err := s.Commit(ctx, payment.Change{Record: b, Lazy: lazy})
		if lazy && err != nil {
			t.Fatalf("a lazy change is acknowledged before its commit: %v", err)
		}
		if !lazy && (!errors.Is(err, payment.ErrBroken) || !errors.Is(err, boom) || b.Version != 0) {
			t.Fatalf("%v, version %d", err, b.Version)
		}
		if lazy {
			// Who reads now would not see what was promised.
			if _, err := s.Get(ctx, b.Ref); !errors.Is(err, payment.ErrBroken) {
				t.Errorf("reading after a lost promise: %v", err)
			}
		} else if _, err := s.Get(ctx, a.Ref); err != nil {
			t.Errorf("reading what is settled: %v", err)
		}
		fail = false
		if err := s.Ready(); !errors.Is(err, payment.ErrBroken) {
			t.Errorf("Ready: %v", err)
		}
		if err := s.Commit(ctx, payment.Change{Record: delivered(3)}); !errors.Is(err, payment.ErrBroken) {
			t.Errorf("Commit: %v", err)
		}
		if err := s.PutTrack(ctx, "v", payment.Track{}, s.Now()); !errors.Is(err, payment.ErrBroken) {
			t.Errorf("PutTrack: %v", err)
		}
		s = reopen(t, s)
		if err := s.Ready(); err != nil {
			t.Errorf("after reopening: %v", err)
		}
		if _, err := s.Get(ctx, b.Ref); err != nil {
			// The hook fails after the journal was written. Of a change that is not
			// lazy nobody was told; it may be there.
			t.Errorf("lazy %v: %v", lazy, err)
		}
	}
}
