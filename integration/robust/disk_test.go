package robust_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
)

// F07: a disk that fills up stops new payments, nothing else, and never the
// process: a mapped file on a full disk would kill it.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	disk := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=256m"); err != nil {
		if os.Getenv("PAYMENTS_REQUIRE_ALL") != "" {
			t.Fatalf("no small disk can be mounted: %v", err)
		}
		t.Skipf("no small disk can be mounted: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	s := newStand(t, "idpay", "", "storage badger ledger", "storage badger "+disk+"/ledger").start()
	b := harness.NewBrowser(t)
	_, first := s.buy(b)
	if p, err := come(b, first); err != nil || p.Status != http.StatusOK {
		t.Fatalf("%d %v", p.Status, err)
	}
	id, ret := s.buy(b)
	filler := filepath.Join(disk, "filler")
	for _, leave := range []int64{24 << 20, 1 << 20, 0} {
		fill(t, disk, filler, leave)
		harness.Wait(t, "new payments are refused", 20*time.Second, func() bool {
			p, err := b.Try(http.MethodPost, s.site+"/buy/mug", "")
			return err == nil && p.Status == http.StatusServiceUnavailable
		})
		if p := b.Get(s.site + "/page"); p.Status != http.StatusOK {
			t.Errorf("%d bytes left: a bystander got %d", leave, p.Status)
		}
		p, err := come(b, ret)
		if err != nil || p.Status != http.StatusServiceUnavailable || p.Header.Get("Retry-After") == "" {
			t.Errorf("%d bytes left: the return got %d, %v", leave, p.Status, err)
		}
		if p, err := come(b, first); err != nil || p.Status != http.StatusOK {
			t.Errorf("%d bytes left: what is delivered got %d, %v", leave, p.Status, err)
		}
		if !s.Running() {
			t.Fatal("the process died")
		}
	}
	if n := s.ledger(id).Verify.Calls; n != 0 {
		t.Errorf("asked %d times without a record", n)
	}
	if !strings.Contains(s.Log(), "the disk is") {
		t.Error("nobody was told")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	harness.Wait(t, "payments are taken again", 30*time.Second, func() bool {
		p, err := b.Try(http.MethodPost, s.site+"/buy/mug", "")
		return err == nil && p.Status == http.StatusSeeOther
	})
	if p, err := come(b, ret); err != nil || p.Status != http.StatusOK {
		t.Errorf("the return got %d, %v", p.Status, err)
	}
	if s.told(id) != 1 {
		t.Errorf("told %d times", s.told(id))
	}
}

// fill makes a file so large that only leave bytes are free.
func fill(t *testing.T, disk, file string, leave int64) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 1<<20)
	for {
		var st syscall.Statfs_t
		if err := syscall.Statfs(disk, &st); err != nil {
			t.Fatal(err)
		}
		more := int64(st.Bavail)*st.Bsize - leave
		if more <= 0 {
			return
		}
		if _, err := f.Write(block[:min(more, int64(len(block)))]); err != nil {
			return // full
		}
	}
}
