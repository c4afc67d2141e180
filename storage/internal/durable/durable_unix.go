//go:build !windows

package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// What a process of root makes in another user's directory is given to that user,
// readable and writable whatever the umask: the service must be able to open a ledger
// that an administrator's command has opened before.

// Owner is who owns a directory or file.
type Owner struct{ uid, gid int }

// OwnerOf gives who owns a path; other is whether what this process makes there must
// be given to that owner.
func OwnerOf(path string) (o Owner, other bool) {
	st, err := os.Stat(path)
	if err != nil {
		return o, false
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return o, false
	}
	o = Owner{int(sys.Uid), int(sys.Gid)}
	return o, os.Geteuid() == 0 && o.uid != 0
}

// Give makes the owner own a file or directory of root's. What belongs to another
// user stays as it is.
func (o Owner) Give(path string) error {
	st, err := os.Lstat(path)
	if err != nil {
		return missing(err)
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok || sys.Uid != 0 || !st.Mode().IsRegular() && !st.IsDir() {
		return nil
	}
	need := fs.FileMode(0o600)
	if st.IsDir() {
		need = 0o700
	}
	if st.Mode().Perm()&need != need {
		if err := os.Chmod(path, st.Mode().Perm()|need); err != nil {
			return missing(err)
		}
	}
	return missing(os.Lchown(path, o.uid, o.gid))
}

// GiveAll is Give for a directory's files, and those of its directories.
func (o Owner) GiveAll(dir string) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return missing(err)
		}
		return o.Give(path)
	})
}

// missing: files come and go while a ledger is open.
func missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Inherit gives a new file or directory to whom its directory belongs.
func Inherit(path string) error {
	if o, other := OwnerOf(filepath.Dir(path)); other {
		return o.Give(path)
	}
	return nil
}

// inheritOld gives a file that takes another's place to whom its directory belongs,
// or else to whom the other belonged.
func inheritOld(path, old string) error {
	o, other := OwnerOf(filepath.Dir(path))
	if !other {
		o, other = OwnerOf(old)
	}
	if other {
		return o.Give(path)
	}
	return nil
}

// SyncDir makes the names in a directory survive a power cut.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
