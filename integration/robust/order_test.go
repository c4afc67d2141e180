package robust_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
)

// F03: the marker is on the disk, in the journal, before the first byte goes to the provider's verify. The kernel is asked: all system
// calls of a real process while it settles one payment. Where there is no
// strace, engine/helpers_test.go (markerIsDurable) and storage/badger say the
// same of the calls above them.
func TestMarkerIsSyncedBeforeTheProviderIsAsked(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Log("there is no strace")
		return
	}
	s := newStand(t, "idpay", "absent deliver").start()
	b := harness.NewCustomer(t)
	_, ret := s.buy(b)
	out := filepath.Join(t.TempDir(), "calls")
	cmd := exec.Command(strace, "-f", "-y", "-s", "60", "-o", out, //nolint:gosec // test
		"-e", "trace=fdatasync,pwrite64,write,sendto", "-p", strconv.Itoa(s.PID()))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	harness.Wait(t, "strace is attached", 30*time.Second, func() bool {
		status, err := os.ReadFile("/proc/" + strconv.Itoa(s.PID()) + "/status")
		return err == nil && !strings.Contains(string(status), "TracerPid:\t0\n")
	})
	if p, err := come(b, ret); err != nil || p.Status/100 != 2 && p.Status/100 != 3 {
		t.Fatalf("%v, %v", p, err)
	}
	_ = cmd.Process.Signal(os.Interrupt)
	_ = cmd.Wait()
	calls, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	asked := regexp.MustCompile(`(?:write|sendto)\(\d+<.*>, "POST [^"]*verify`)
	written := regexp.MustCompile(`pwrite64\(\d+<[^>]*/journal/\d+\.log>`)
	dataSynced := regexp.MustCompile(`fdatasync.*= 0$`)
	var wrote, journal bool
	for line := range strings.Lines(string(calls)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case asked.MatchString(line):
			if !wrote || !journal {
				t.Errorf("the provider is asked and of the marker was: written %v, synced %v", wrote, journal)
			}
			return
		case written.MatchString(line):
			wrote, journal = true, false
		case wrote && dataSynced.MatchString(line):
			journal = true
		}
	}
	t.Errorf("the provider was never asked:\n%.4000s", calls)
}
