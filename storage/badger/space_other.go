//go:build !linux && !darwin && !freebsd && !windows

package badger

// freeSpace is not known here: the guard never closes.
func freeSpace(string) (space, error) { return space{}, nil }
