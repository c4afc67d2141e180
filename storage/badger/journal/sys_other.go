//go:build !linux

package journal

import "os"

func reserve(*os.File, int64) error { return nil }

func datasync(f *os.File) error { return f.Sync() }
