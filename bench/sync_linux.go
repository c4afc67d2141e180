package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncData waits until what was written is on the disk.
func syncData(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }
