//go:build !linux && !darwin && !freebsd

package mirror

// syncDir does nothing: not every system has such a thing for directories.
func syncDir(string) error { return nil }
