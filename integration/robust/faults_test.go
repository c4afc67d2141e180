//go:build unix

package robust_test

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// envStops is how many stops the release tier asks for.
const envStops = "PROOF_STOPS"

// F10: the process may open no more files. It lives, loses nothing, and goes on
// when it may again.
func TestNoDescriptorsLeft(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		return // nothing else limits a running process
	}
	b := newBooks(t, harness.Plain(t), false)
	b.start1("")
	pid := b.PID()
	var was unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &was); err != nil {
		t.Fatal(err)
	}
	for more := range 8 { // descriptors that are left
		b.serve()
		open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		if err != nil {
			t.Fatal(err)
		}
		few := was
		few.Cur = uint64(len(open) + more)
		if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &few, nil); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 2 {
					b.serve()
				}
			})
		}
		all.Wait()
		if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &was, nil); err != nil {
			t.Fatal(err)
		}
		harness.Wait(t, "payments are taken again", 20*time.Second, func() bool { return b.serve() != nil })
	}
	b.everybodyComes(func(*customer) bool { return false })
	res := b.compare(b.rest(150 * time.Second))
	t.Logf("%s", res)
	if !b.Running() || b.PID() != pid {
		t.Error("the process died")
	}
	if p := harness.NewCustomer(t).Get(b.site + "/page"); p.Status != http.StatusOK {
		t.Errorf("a bystander got %d", p.Status)
	}
}

// F15, F16: SIGTERM under load, again and again: Caddy stops its apps in random
// order. Nothing panics, nothing is lost.
func TestStoppedUnderLoad(t *testing.T) {
	t.Parallel()
	stops := amount(t, envStops, 20)
	report := newProgress("SIGTERM under load, apps stopped in any order", stops)
	b := newBooks(t, harness.Plain(t), true)
	slow(b.stand)
	b.fault(sandbox.Fault{Kind: "delay", MS: 300, Operation: "verify", When: "after"})
	b.Env = harness.Environment()
	stop := make(chan struct{})
	var load sync.WaitGroup
	for range 3 {
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if b.serve() == nil {
					time.Sleep(5 * time.Millisecond)
				}
			}
		})
	}
	for range stops {
		b.Caddy.Start()
		time.Sleep(between(100*time.Millisecond, 900*time.Millisecond))
		b.Stop()
		report.step(1)
	}
	b.Caddy.Start()
	close(stop)
	load.Wait()
	b.box.ClearFaults()
	b.everybodyComes(func(*customer) bool { return false })
	res := b.compare(b.rest(150 * time.Second))
	t.Logf("%d stops: %s", stops, res)
	report.end(res)
	for _, bad := range []string{"panic", "closed database", "DB Closed"} {
		if contains(b.Log(), bad) {
			t.Errorf("the log speaks of %q", bad)
		}
	}
}

// F14: a reload that changes the ledger's directory while payments are pending.
// What is being asked is finished by the old ledger; what is only bought is not
// known to the new one, which refuses it without asking anybody, and is found
// again when the directory is put right.
func TestReloadToAnotherLedger(t *testing.T) {
	t.Parallel()
	s := newStand(t, "idpay", "deliver idempotent").start()
	good := s.text
	b := harness.NewCustomer(t)
	asked, askedRet := s.buy(b)
	bought, boughtRet := s.buy(b)
	s.fault(sandbox.Fault{Kind: "delay", MS: 1500, Operation: "verify", Count: 1})
	done := make(chan harness.Page, 1)
	go func() {
		p, _ := come(b, askedRet)
		done <- p
	}()
	harness.Wait(t, "the provider is asked", 30*time.Second, func() bool { return s.ledger(asked).Verify.Calls == 1 })
	s.Write(strings.Replace(good, "storage badger ledger", "storage badger elsewhere", 1))
	if err := s.load(); err != nil {
		t.Fatal(err)
	}
	if p := <-done; p.Status != http.StatusOK || s.told(asked) != 1 {
		t.Errorf("the return in flight: %d, told %d times", p.Status, s.told(asked))
	}
	other := harness.NewCustomer(t)
	if p, err := come(other, boughtRet); err != nil || p.Status != http.StatusBadRequest || s.told(bought) != 0 || s.ledger(bought).Verify.Calls != 0 {
		t.Errorf("a payment of the other ledger: %d %v, told %d times", p.Status, err, s.told(bought))
	}
	s.Write(good)
	if err := s.load(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*harness.Browser{b, other} {
		c.Client.CloseIdleConnections() // the reload closes them, and these customers may not have noticed
	}
	if p, err := come(other, boughtRet); err != nil || p.Status != http.StatusOK || s.told(bought) != 1 {
		t.Errorf("put right: %d %v, told %d times", p.Status, err, s.told(bought))
	}
	if p, err := come(b, askedRet); err != nil || p.Status != http.StatusOK || s.told(asked) != 1 {
		t.Errorf("asked before: %d %v, told %d times", p.Status, err, s.told(asked))
	}
}
