//go:build linux

package robust_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// F07: a disk that fills up stops new payments, nothing else, and never the
// process: a mapped file on a full disk would kill it.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t)
	s := newStand(t, "idpay", "", "storage badger ledger", "storage badger "+disk+"/ledger").start()
	b := harness.NewCustomer(t)
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
		fill(t, disk, filler, leave) // what the ledger let go of, too
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

// A disk that is full when Caddy starts takes nothing along but the payments, which
// begin by themselves when there is room.
func TestFullAtStart(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t)
	s := newStand(t, "idpay", "", "storage badger ledger", "storage badger "+disk+"/ledger").prepare()
	filler := filepath.Join(disk, "filler")
	fill(t, disk, filler, 4<<20)
	s.Caddy.Start()
	b := harness.NewCustomer(t)
	if p := b.Get(s.site + "/page"); p.Status != http.StatusOK {
		t.Errorf("a bystander got %d", p.Status)
	}
	begin := time.Now()
	p, err := b.Try(http.MethodPost, s.site+"/buy/mug", "")
	if err != nil || p.Status != http.StatusServiceUnavailable {
		t.Errorf("a press of Pay got %d, %v", p.Status, err)
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("it waited %s for it", took)
	}
	if out, err := s.Run("payments", "doctor", "--config", s.Config()); err == nil || !contains(out, "opens by itself") {
		t.Errorf("doctor says (%v):\n%s", err, out)
	}
	if !contains(s.Log(), "has no room to be opened") {
		t.Error("nobody was told")
	}
	// Reloads, and stops, of one that waits.
	if err := s.Reload(); err != nil {
		t.Errorf("reloading: %v", err)
	}
	s.Stop()
	s.Caddy.Start()
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	harness.Wait(t, "payments are taken", 15*time.Second, func() bool {
		p, err := b.Try(http.MethodPost, s.site+"/buy/mug", "")
		return err == nil && p.Status == http.StatusSeeOther
	})
	id, ret := s.buy(b)
	if p, err := come(b, ret); err != nil || p.Status != http.StatusOK || s.told(id) != 1 {
		t.Errorf("the return got %d, %v, told %d times", p.Status, err, s.told(id))
	}
	if out, err := s.Run("payments", "doctor", "--config", s.Config()); contains(out, "opens by itself") {
		t.Errorf("doctor still says (%v):\n%s", err, out)
	}
}

// min_free changed by a reload is in force when the reload ends, with the ledger open or not.
func TestMinFreeReload(t *testing.T) {
	t.Parallel()
	const far = "1000000GiB"
	s := newStand(t, "idpay", "").prepare()
	with := func(minFree string) {
		t.Helper()
		s.Write(strings.Replace(s.text, "storage badger ledger", "storage badger ledger {\n\t\t\tmin_free "+minFree+"\n\t\t}", 1))
	}
	// A server that a reload replaces takes a connection now and then while it ends, and answers as
	// it was told.
	expect := func(when string, status int) {
		t.Helper()
		var last string
		harness.Wait(t, fmt.Sprintf("%s: a press of Pay gets %d", when, status), 30*time.Second, func() bool {
			p, err := harness.NewCustomer(t).Try(http.MethodPost, s.site+"/buy/mug", "")
			if now := fmt.Sprint(p.Status, err); now != last {
				last = now
				t.Logf("%s: %s", when, now)
			}
			return err == nil && p.Status == status
		})
	}
	reload := func(minFree string) {
		t.Helper()
		with(minFree)
		if err := s.Reload(); err != nil {
			t.Fatal(err)
		}
	}
	with(far) // not even half of it is free: the ledger isn't opened
	s.Caddy.Start()
	expect("far too much, at start", http.StatusServiceUnavailable)
	reload("1MiB")
	expect("little, by a reload", http.StatusSeeOther)
	reload(far)
	expect("far too much, by a reload", http.StatusServiceUnavailable)
	reload("2MiB")
	expect("little again", http.StatusSeeOther)
	if !contains(s.Log(), "min_free has changed") {
		t.Error("the log doesn't say what is in force")
	}
	// A reload that fails leaves what was.
	good := s.text
	s.text = strings.Replace(good, s.site+" {", "http://localhost:1 http://127.0.0.1:99999 {", 1)
	with(far)
	if err := s.Reload(); err == nil {
		t.Error("a configuration that can't be was loaded")
	}
	s.text = good
	expect("after a reload that failed", http.StatusSeeOther)
}

// smallDisk is a disk of 256 MiB that goes away with the test; only root can
// make one.
func smallDisk(t *testing.T) string {
	t.Helper()
	disk := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, smallSize); err != nil {
		if os.Getenv("PAYMENTS_REQUIRE_ALL") != "" {
			t.Fatalf("no small disk can be mounted: %v", err)
		}
		t.Skipf("no small disk can be mounted: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	return disk
}

const smallSize = "size=256m"

// envFills is how often the release tier fills a disk.
const envFills = "PROOF_FILLS"

// F08: the disk fills up while the provider is being asked. Nothing is lost,
// nothing is credited twice, the process never dies of a mapped page, and all
// goes on by itself when there is room.
func TestDiskFillsDuringPayments(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t)
	fills := amount(t, envFills, 4)
	report := newProgress("disk full during payments", fills)
	b := newBooks(t, harness.Plain(t), false, "storage badger ledger", "storage badger "+disk+"/ledger")
	b.Env = harness.Environment()
	b.Caddy.Start()
	pid := b.PID()
	filler := filepath.Join(disk, "filler")
	for n := range fills {
		b.fault(sandbox.Fault{Kind: "delay", MS: 600, Operation: "verify", When: "after", Count: 2})
		var customers sync.WaitGroup
		for range 2 {
			customers.Go(func() { b.serve() })
		}
		time.Sleep(between(0, 900*time.Millisecond))
		fill(t, disk, filler, []int64{0, 1 << 20, 24 << 20}[n%3])
		customers.Wait()
		if p := harness.NewCustomer(t).Get(b.site + "/page"); p.Status != http.StatusOK {
			t.Errorf("a bystander got %d", p.Status)
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		harness.Wait(t, "payments are taken again", 30*time.Second, func() bool { return b.serve() != nil })
		report.step(1)
	}
	b.box.ClearFaults()
	b.everybodyComes(func(*customer) bool { return false })
	res := b.compare(b.rest(150 * time.Second))
	t.Logf("%d fills: %s", fills, res)
	report.end(res)
	if !b.Running() || b.PID() != pid || contains(b.Log(), "SIGBUS") {
		t.Error("the process died")
	}
}

// A disk that can only be read: Caddy says so and does not start; the ledger is
// whole when it can be written again. (One that is in use can't be made so: Linux
// refuses while files are open for writing.)
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t)
	s := newStand(t, "idpay", "deliver idempotent", "storage badger ledger", "storage badger "+disk+"/ledger").start()
	id, ret := s.buy(harness.NewCustomer(t))
	remount := func(flags uintptr) error {
		return syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT|flags, smallSize)
	}
	if err := remount(syscall.MS_RDONLY); !errors.Is(err, syscall.EBUSY) {
		t.Errorf("a ledger in use was made read-only: %v", err)
	}
	s.Kill()
	if err := remount(syscall.MS_RDONLY); err != nil {
		t.Fatal(err)
	}
	if err := s.TryStart(); err == nil {
		t.Error("it started on a disk that can only be read")
	}
	if !contains(s.Log(), "read-only file system") {
		t.Errorf("the reason is not told:\n%s", s.Log())
	}
	if err := remount(0); err != nil {
		t.Fatal(err)
	}
	s.Caddy.Start()
	if p, err := come(harness.NewCustomer(t), ret); err != nil || p.Status != http.StatusOK || s.told(id) != 1 {
		t.Errorf("%d %v, told %d times", p.Status, err, s.told(id))
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
