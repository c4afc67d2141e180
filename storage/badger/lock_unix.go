//go:build linux || darwin || freebsd

package badger

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// lockDir takes Badger's own lock for as long as the files are looked at: they
// may be another process's, at work.
func lockDir(dir string) (release func(), err error) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		unix.Close(fd)
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, locked(dir)
		}
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	return func() { unix.Close(fd) }, nil
}
