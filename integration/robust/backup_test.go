package robust_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/archive"
	"github.com/rahgir/caddy-payments/storage/badger"
	"github.com/rahgir/caddy-payments/storage/storagetest"
)

// backupOf writes a backup of a ledger with n payments.
func backupOf(t *testing.T, n int) (file string, sum archive.Summary) {
	t.Helper()
	ctx := context.Background()
	m := &badger.Module{Dir: filepath.Join(t.TempDir(), "ledger")}
	s, release, err := m.Open(ctx, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for part := range 64 {
		wg.Go(func() {
			for i := part; i < n; i += 64 {
				r := storagetest.FullRecord(i)
				if err := s.Commit(ctx, payment.Change{Record: r, Take: []payment.Key{payment.ReceiptKey(r.Issuer, r.ID)}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := release(); err != nil {
		t.Fatal(err)
	}
	mv, release, err := m.OpenToMove(ctx, zap.NewNop(), true)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "backup")
	if sum, err = archive.Export(ctx, mv, file, func(int64, int64) {}); err != nil {
		t.Fatal(err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	return file, sum
}

// A restore that is killed anywhere leaves a ledger in which no payment is taken, and which the same command completes.
// A backup that is killed, or whose Caddy is, leaves no file under its name.
func TestBackupAndRestoreKilled(t *testing.T) {
	t.Parallel()
	file, want := backupOf(t, 3000)
	s := newStand(t, "idpay", "").prepare()
	s.Bin = harness.Plain(t)
	restore := []string{"payments", "restore", file, "--config", s.Config(), "--adapter", "caddyfile"}

	ledger := filepath.Join(s.Data(), "ledger")
	start := func() *exec.Cmd {
		cmd := s.Command(t.Context(), restore...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	// A restore is at work from the first file that it writes; until then it is a program that loads.
	writes := func() {
		harness.Wait(t, "a restore begins to write", time.Minute, func() bool {
			files, _ := os.ReadDir(ledger)
			return len(files) > 0
		})
	}
	// One that nobody kills, to know how long it loads and how long it is at work.
	begin := time.Now()
	cmd := start()
	writes()
	loads := time.Since(begin)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	whole := time.Since(begin)
	works := whole - loads
	partly := 0
	// What a busy machine measured may be wrong, in both directions: then four kills meet no restore at work. More are
	// timed by what the last one met: from the first file it was never begun, or had ended.
	early, late := time.Duration(0), 2*works
	for kill := 0; kill < 4 || partly == 0 && kill < 16; kill++ {
		if err := os.RemoveAll(ledger); err != nil {
			t.Fatal(err)
		}
		for again := range 2 {
			cmd := start()
			switch {
			case kill >= 4:
				writes()
				time.Sleep((early + late) / 2)
			case again == 0:
				writes()
				time.Sleep(works/4*time.Duration(kill) + rand.N(works/4))
			default:
				time.Sleep(rand.N(whole))
			}
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			if kill >= 4 {
				break
			}
		}
		// Is it a part of a ledger? Asked of a copy, because one that was never begun is not empty once Caddy ran on it.
		kept := filepath.Join(t.TempDir(), "kept")
		if err := os.CopyFS(kept, os.DirFS(ledger)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if s.TryStart() == nil {
			s.Stop()
		} else if partly++; !strings.Contains(s.Log(), "payments restore") {
			t.Error("a part of a ledger doesn't say what completes it")
		}
		if err := errors.Join(os.RemoveAll(ledger), os.Rename(kept, ledger)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		switch out, err := s.Run(restore...); {
		case err == nil:
			early = (early + late) / 2
		case strings.Contains(out, "not empty"): // it had ended
			late = (early + late) / 2
		default:
			t.Fatalf("kill %d, the restore doesn't go on: %v\n%s", kill, err, out)
		}
		s.Start()
		copied := filepath.Join(t.TempDir(), "copy")
		if out, err := s.Run("payments", "backup", copied, "--address", s.Admin); err != nil {
			t.Fatal(err, out)
		}
		if got := look(t, copied); got.Total() < want.Total() {
			t.Errorf("kill %d: %v, want %v", kill, got.Counts, want.Counts)
		}
		s.Stop()
	}
	t.Logf("%d kills left a part of a ledger", partly)
	if partly == 0 {
		t.Error("no kill met a restore at work")
	}

	s.Start()
	for kill := range 4 {
		name := filepath.Join(t.TempDir(), "killed")
		cmd := s.Command(t.Context(), "payments", "backup", name, "--address", s.Admin)
		var said bytes.Buffer
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(whole))
		server := kill%3 == 2
		if server {
			s.Kill()
		} else {
			_ = cmd.Process.Kill()
		}
		err := cmd.Wait()
		if _, there := os.Lstat(name); there == nil {
			look(t, name)
		} else if !errors.Is(there, fs.ErrNotExist) || err == nil {
			t.Errorf("%v, %v: %s", there, err, said.String())
		}
		if server {
			s.Start()
		}
	}
}

// look reads a backup, which must be whole.
func look(t *testing.T, name string) archive.About {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	about, err := archive.Look(f)
	if err != nil {
		t.Errorf("a backup that isn't whole stands under its name: %v", err)
	}
	return about
}
