//go:build !linux && !darwin && !freebsd && !windows

package disk

// Measure gives nothing: how much room there is can't be known here, so the guard
// never refuses anything.
func Measure(string) (Space, error) { return Space{}, nil }
