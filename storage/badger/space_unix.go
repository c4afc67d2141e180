//go:build linux || darwin || freebsd

package badger

import "golang.org/x/sys/unix"

func freeSpace(dir string) (space, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return space{}, err
	}
	if st.Bavail < 0 { //nolint:staticcheck // signed on FreeBSD only
		return space{total: uint64(st.Blocks) * uint64(st.Bsize)}, nil //nolint:unconvert // types differ by system
	}
	size := uint64(st.Bsize)                                                           //nolint:unconvert // types differ by system
	return space{free: uint64(st.Bavail) * size, total: uint64(st.Blocks) * size}, nil //nolint:unconvert // types differ by system
}
