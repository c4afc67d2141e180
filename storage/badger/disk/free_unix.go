//go:build linux || darwin || freebsd

package disk

import "golang.org/x/sys/unix"

// Measure says what the file system of a directory has.
func Measure(dir string) (Space, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return Space{}, err
	}
	if st.Bavail < 0 { //nolint:staticcheck // signed on FreeBSD only
		return Space{Total: uint64(st.Blocks) * uint64(st.Bsize)}, nil //nolint:unconvert // types differ by system
	}
	size := uint64(st.Bsize)                                                           //nolint:unconvert // types differ by system
	return Space{Free: uint64(st.Bavail) * size, Total: uint64(st.Blocks) * size}, nil //nolint:unconvert // types differ by system
}
