package badger

import (
	"bufio"
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/badger/disk"
)

// The guard's thresholds, on a disk that is only a number.
func TestSpaceGuard(t *testing.T) {
	free := uint64(10_000 * mib)
	s := open(t, filepath.Join(t.TempDir(), "ledger"), func(c *config) {
		c.freeSpace = func(string) (disk.Space, error) { return disk.Space{Free: free, Total: 20_000 * mib}, nil }
		c.tick = time.Hour
	})
	ctx := context.Background()
	r := delivered(1)
	if err := s.Commit(ctx, payment.Change{Record: r}); err != nil {
		t.Fatal(err)
	}
	set := func(mibs uint64) {
		free = mibs * mib
		s.disk.Check()
	}
	insert := func() error { return s.Commit(ctx, payment.Change{Record: delivered(int(free))}) }
	update := func() error { return s.Commit(ctx, payment.Change{Record: r}) }
	soft := disk.DefaultMinFree(20_000*mib) / mib
	if soft != 1000 {
		t.Fatalf("the default is %d MiB of 20,000", soft)
	}
	set(soft - 1)
	if err := s.Ready(); !errors.Is(err, payment.ErrFull) {
		t.Errorf("Ready: %v", err)
	}
	if err := insert(); !errors.Is(err, payment.ErrFull) {
		t.Errorf("new work: %v", err)
	}
	if err := s.PutTrack(ctx, "v", payment.Track{}, s.Now()); !errors.Is(err, payment.ErrFull) {
		t.Errorf("a track: %v", err)
	}
	if err := update(); err != nil {
		t.Errorf("work that has begun: %v", err)
	}
	set(soft/2 - 1)
	if err := update(); !errors.Is(err, payment.ErrFull) {
		t.Errorf("work that has begun, on a full disk: %v", err)
	}
	if _, err := s.Get(ctx, r.Ref); err != nil {
		t.Errorf("reading: %v", err)
	}
	set(soft / 2)
	if err := update(); err != nil {
		t.Errorf("above the floor again: %v", err)
	}
	set(soft + 1)
	if err := s.Ready(); !errors.Is(err, payment.ErrFull) {
		t.Error("the guard flaps: it opens where it closed")
	}
	set(2 * soft)
	if err := s.Ready(); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if err := insert(); err != nil {
		t.Errorf("new work with room again: %v", err)
	}
}

func TestOpenOnFullDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	_, err := Open(dir, func(c *config) {
		c.freeSpace = func(string) (disk.Space, error) { return disk.Space{Free: 1 * mib, Total: 100_000 * mib}, nil }
	})
	if !errors.Is(err, payment.ErrFull) || !strings.Contains(err.Error(), "MiB free") {
		t.Errorf("%v", err)
	}
	open(t, dir)
}

// small mounts a small file system, or skips the test.
func small(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", dir).CombinedOutput()
	if err != nil {
		if os.Getenv("PAYMENTS_REQUIRE_ALL") == "1" {
			t.Fatalf("mounting a small file system: %v: %s", err, out)
		}
		t.Skipf("can't mount a small file system: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
	return dir
}

// fillerChild writes as fast as it can, for ever, and prints what each second
// brought.
func fillerChild() {
	s, err := Open(filepath.Join(os.Getenv(childDir), "ledger"))
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	go func() { // the parent's hand is our life
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	}()
	ctx := context.Background()
	was := ""
	var begun []*payment.Record
	for n := 0; ; n++ {
		r := delivered(n)
		r.Return = &payment.Return{Body: make([]byte, 48<<10)}
		_, _ = crand.Read(r.Return.Body)
		err := s.Commit(ctx, payment.Change{Record: r, Take: r.Keys(false)})
		is := "writing"
		if err == nil {
			if begun = append(begun, r); len(begun) > 10 {
				begun = begun[1:]
			}
		}
		if errors.Is(err, payment.ErrFull) {
			is = "refusing"
			// What has begun goes on as long as it can.
			for _, b := range begun {
				if s.Commit(ctx, payment.Change{Record: b}) != nil {
					is = "full"
				}
			}
			time.Sleep(5 * time.Millisecond)
		} else if err != nil {
			is = "error " + err.Error()
		}
		if is != was {
			fmt.Println(is)
			was = is
		}
	}
}

// TestFullDisk fills a real file system under a writing process: it lives, says
// so, and goes on by itself when there is room.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, foreign := range []bool{false, true} {
		name := "by the store itself"
		if foreign {
			name = "by another program"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := small(t, "72m")
			ballast := filepath.Join(dir, "ballast")
			// What is deleted to make room in the end.
			if err := os.WriteFile(ballast, make([]byte, 28*mib), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd, out := child(t, "filler", dir)
			expect := func(want ...string) string {
				t.Helper()
				for out.Scan() {
					for _, w := range want {
						if out.Text() == w {
							return w
						}
					}
					if strings.HasPrefix(out.Text(), "error") {
						t.Fatalf("the child says: %s", out.Text())
					}
				}
				t.Fatalf("the process died while the disk was full: %v", cmd.Wait())
				return ""
			}
			expect("writing")
			if foreign {
				f, err := os.Create(filepath.Join(dir, "foreign"))
				if err != nil {
					t.Fatal(err)
				}
				block := make([]byte, 64<<10)
				for err == nil {
					_, err = f.Write(block)
				}
				f.Close()
				expect("full")
				if err := os.Remove(f.Name()); err != nil {
					t.Fatal(err)
				}
			} else {
				expect("refusing", "full")
			}
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
			expect("writing")
			expect("refusing", "full") // and fills that too
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			// A smaller limit doesn't let it be opened where that could end the process.
			rest, err := disk.Measure(dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(ballast, make([]byte, max(rest.Free, 2*mib)-2*mib), 0o600); err != nil {
				t.Fatal(err)
			}
			if s, err := Open(filepath.Join(dir, "ledger"), WithMinFree(mib)); !errors.Is(err, payment.ErrFull) {
				if err == nil {
					_ = s.Close()
				}
				t.Errorf("opened on a full disk: %v", err)
			}
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
			// With room it opens again, and everything is there.
			if out, err := exec.Command("mount", "-o", "remount,size=128m", dir).CombinedOutput(); err != nil {
				t.Fatalf("making room: %v: %s", err, out)
			}
			s := open(t, filepath.Join(dir, "ledger"))
			page, err := s.List(context.Background(), payment.Listing{Limit: 1000})
			if err != nil || len(page.Records) < 100 {
				t.Errorf("%d records, %v", len(page.Records), err)
			}
		})
	}
}
