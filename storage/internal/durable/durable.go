// Package durable writes small files. After a power cut a file has either its old or its
// new content, never a part.
package durable

import (
	"bytes"
	"os"
	"path/filepath"
)

// MkdirAll makes a directory and those above it that are missing, for whom the
// nearest one above belongs to, alone.
func MkdirAll(dir string) error {
	if st, err := os.Stat(dir); err == nil && st.IsDir() {
		return nil
	}
	if up := filepath.Dir(dir); up != dir {
		if err := MkdirAll(up); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return Inherit(dir)
}

// WriteFile replaces a file, for its owner alone.
func WriteFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err = f.Chmod(0o600); err == nil { // whatever the umask is
		err = inheritOld(f.Name(), path)
	}
	if err == nil {
		_, err = f.Write(b)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// zeros is what room kept ahead in a file reads as.
var zeros [4 << 10]byte

// Written returns a file's content without the zeros at its end. Files of a ledger
// keep megabytes of room ahead, and every start looks for where it begins.
func Written(b []byte) []byte {
	for len(b) >= len(zeros) && bytes.Equal(b[len(b)-len(zeros):], zeros[:]) {
		b = b[:len(b)-len(zeros)]
	}
	return bytes.TrimRight(b, "\x00")
}
