package badger

import (
	"errors"
	"strconv"

	"github.com/dustin/go-humanize"
)

// parseSize reads a size as people write it: 512MiB, 1GB.
func parseSize(s string) (uint64, error) {
	n, err := humanize.ParseBytes(s)
	if err != nil || n == 0 {
		return 0, errors.New("not a size: write 512MiB or 1GiB")
	}
	return n, nil
}

// parseCount reads a number of things, at least one.
func parseCount(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, errors.New("not a number: write 500000")
	}
	return n, nil
}
