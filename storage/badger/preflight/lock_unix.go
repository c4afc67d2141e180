//go:build linux || darwin || freebsd

package preflight

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// lockPatience is how long a lock is waited for that another holds: a process
// that is ending, or one that is being started and holds copies of its parent's
// files until it has begun.
const lockPatience = time.Second

// lockDir takes Badger's own lock for as long as the files are looked at: they
// may be another process's, at work.
func lockDir(dir string) (release func(), err error) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	err = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
	for end := time.Now().Add(lockPatience); errors.Is(err, unix.EWOULDBLOCK) && time.Now().Before(end); {
		time.Sleep(lockPatience / 50)
		err = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
	}
	if err != nil {
		unix.Close(fd)
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, locked(dir)
		}
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	return func() {
		_ = unix.Flock(fd, unix.LOCK_UN) // closing alone leaves it to copies of the descriptor
		unix.Close(fd)
	}, nil
}
