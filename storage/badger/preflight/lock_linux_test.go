package preflight

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A process that is being started by ours holds copies of all our files for a
// moment. They must not keep a lock that was given back.
func TestALockGivenBackIsFree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	release, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		name := filepath.Join("/proc/self/fd", fd.Name())
		if to, err := os.Readlink(name); err != nil || to != dir {
			continue
		}
		n, err := strconv.Atoi(fd.Name())
		if err != nil {
			t.Fatal(err)
		}
		child, err := unix.Dup(n)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(child)
	}
	release()
	again, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	again()
}

// Who lets go at this moment, as Caddy does that is restarted, is waited for.
func TestALockThatIsBeingGivenBackIsWaitedFor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	other, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(lockPatience/5, other)
	release, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if _, err := lockDir(dir); !errors.Is(err, ErrLocked) {
		t.Errorf("%v", err)
	}
}
