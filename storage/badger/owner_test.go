//go:build unix

package badger

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage"
)

const nobody = 65534

func init() { children["servant"] = servantChild }

// servantChild opens a ledger as the user that it is, writes, and closes it.
func servantChild() {
	s, err := Open(os.Getenv(childDir))
	if err == nil {
		err = s.Commit(context.Background(), payment.Change{Record: delivered(os.Getpid())})
	}
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// asNobody runs it as a user who is not root.
func asNobody(t *testing.T, dir string) error {
	t.Helper()
	program := filepath.Join(filepath.Dir(dir), "servant")
	if _, err := os.Stat(program); err != nil {
		in, err := os.Open(os.Args[0])
		must(t, err)
		defer in.Close()
		out, err := os.OpenFile(program, os.O_CREATE|os.O_WRONLY, 0o755) //nolint:gosec // another user runs it
		must(t, err)
		_, err = io.Copy(out, in)
		must(t, err)
		must(t, out.Chmod(0o755))
		must(t, out.Close())
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), childRole+"=servant", childDir+"="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	cmd.Dir = filepath.Dir(dir)
	defer syscall.Umask(syscall.Umask(0o022)) // his own
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// home is a directory that belongs to nobody, and can be reached by him.
func home(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can do what root must not do")
	}
	dir, err := os.MkdirTemp("", "owner")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755)) //nolint:gosec // a directory
	must(t, os.Chown(dir, nobody, nobody))
	return dir
}

// foreign lists what does not belong to nobody.
func foreign(t *testing.T, dir string) (paths []string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if st, err := os.Lstat(path); err == nil && st.Sys().(*syscall.Stat_t).Uid != nobody && filepath.Base(path) != "servant" {
			paths = append(paths, path)
		}
		return nil
	}))
	return paths
}

// Whatever root does with a ledger of somebody else's, its owner can go on with it.
func TestRootLeavesTheLedgerToItsOwner(t *testing.T) {
	for _, mask := range []int{0o022, 0o077, 0o777} {
		dir := filepath.Join(home(t), "ledger")
		old := syscall.Umask(mask)
		t.Cleanup(func() { syscall.Umask(old) })
		as := func(what string, empty bool) {
			t.Helper()
			s, release, err := (&Module{Dir: dir}).OpenToMove(t.Context(), zap.NewNop(), empty)
			must(t, err)
			must(t, s.Commit(t.Context(), payment.Change{Record: delivered(len(what) + mask)}))
			st := s.(*Store) //nolint:forcetypeassert // ours
			st.disk.Check()
			st.giveFiles() // as the chores do each second
			if left := foreign(t, filepath.Dir(dir)); left != nil {
				t.Errorf("umask %o, %s, while open: root's are %v", mask, what, left)
			}
			must(t, release())
			if left := foreign(t, filepath.Dir(dir)); left != nil {
				t.Errorf("umask %o, %s: root's are %v", mask, what, left)
			}
		}
		as("import into a new one", true)
		if err := asNobody(t, dir); err != nil {
			t.Fatalf("umask %o: after root made it: %v", mask, err)
		}
		as("export", false)
		if err := asNobody(t, dir); err != nil {
			t.Fatalf("umask %o: after root read it: %v", mask, err)
		}
		syscall.Umask(old)
	}
}

// A refused opening leaves no files of root's either.
func TestRootIsRefusedTracelessly(t *testing.T) {
	dir := filepath.Join(home(t), "ledger")
	s, release, err := (&Module{Dir: dir}).OpenToMove(t.Context(), zap.NewNop(), true)
	must(t, err)
	must(t, s.SetFrozen(t.Context(), storage.Moved))
	must(t, release())
	if _, err := Open(dir); err == nil {
		t.Fatal("opened although it was moved")
	}
	if left := foreign(t, filepath.Dir(dir)); left != nil {
		t.Errorf("root's are %v", left)
	}
}

// Who can't read the files is told what to do; who exports what isn't there makes
// nothing.
func TestNotOurs(t *testing.T) {
	dir := filepath.Join(home(t), "ledger")
	if _, _, err := (&Module{Dir: dir}).OpenToMove(t.Context(), zap.NewNop(), false); err == nil || !strings.Contains(err.Error(), "there is no ledger in "+dir) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("an export of nothing has made a ledger")
	}
	must(t, asNobody(t, dir))
	must(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		return os.Chown(path, 0, 0)
	}))
	if err := asNobody(t, dir); err == nil || !strings.Contains(err.Error(), "chown -R <user> "+dir) {
		t.Errorf("%v", err)
	}
	// Where there is no ledger yet and its directory can't be made, whom it must belong
	// to is said.
	below := filepath.Join(home(t), "root")
	must(t, os.Mkdir(below, 0o755)) //nolint:gosec // root's, and open to others
	if err := asNobody(t, filepath.Join(below, "ledger")); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("install -d -m 700 -o %d ", nobody)) {
		t.Errorf("%v", err)
	}
}
