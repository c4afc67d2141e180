package admin

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/operate/operatetest"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/archive"
)

// A backup or an export that is interrupted, and one that fails, leave nothing behind.
func TestInterruptedFileIsRemoved(t *testing.T) {
	if name := os.Getenv("PAYMENTS_TEST_PART"); name != "" {
		c := &cli{out: io.Discard, err: io.Discard}
		_, _ = c.newFile(name, func(f io.Writer) (archive.About, error) {
			_, err := f.Write([]byte("half"))
			time.Sleep(time.Minute)
			return archive.About{}, err
		})
		return
	}
	if runtime.GOOS == "windows" {
		t.Skip("Windows sends no signals")
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestInterruptedFileIsRemoved$")
	cmd.Env = append(os.Environ(), "PAYMENTS_TEST_PART="+filepath.Join(dir, "backup.jsonl"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	left := func() []string { all, _ := filepath.Glob(filepath.Join(dir, ".*")); return all }
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if all := left(); len(all) == 1 {
			if b, _ := os.ReadFile(all[0]); string(b) == "half" {
				break
			}
		}
		if time.Now().After(end) {
			t.Fatal("it writes nothing")
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("an interrupted run says that all went well")
	}
	if all := left(); len(all) != 0 {
		t.Errorf("left behind: %v", all)
	}
}

// What a killed run left is removed by the next, which says so; what is being written, and
// other programs' files, stay.
func TestLeftoversAreRemoved(t *testing.T) {
	l := operatetest.New(t)
	l.Put(payment.Delivered, "", nil)
	addr := serve(t, l)
	dir := t.TempDir()
	old := time.Now().Add(-2 * partIdle)
	files := map[string]bool{ // whether it stays
		".backup-2026-03-20.jsonl.123.payments-part": false,
		".export.xlsx.9.payments-part":               false,
		".fresh.jsonl.77.payments-part":              true,
		".other.123.part":                            true,
		"a.payments-part":                            true,
	}
	for name := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		if name == ".fresh.jsonl.77.payments-part" {
			continue
		}
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	r := run(t, addr, true, "", "backup", filepath.Join(dir, "backup.jsonl"))
	r.has(t, 0, "backed up: 1 payments")
	for name, stays := range files {
		_, err := os.Lstat(filepath.Join(dir, name))
		if (err == nil) != stays {
			t.Errorf("%s: %v", name, err)
		}
		if told := bytes.Contains([]byte(r.err), []byte(name)); told == stays {
			t.Errorf("%s: told %t: %s", name, told, r.err)
		}
	}
}

// A backup is read twice, which a pipe can't be: it is refused before anything is read, and
// what to do instead is said.
func TestRestoreFromAPipe(t *testing.T) {
	to := filepath.Join(t.TempDir(), "ledger")
	config := filepath.Join(t.TempDir(), "caddy.json")
	if err := os.WriteFile(config, []byte(`{"apps":{"payments":{"storage":{"module":"badger","dir":"`+to+`"}}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	for _, name := range []string{"-", os.DevNull, t.TempDir(), fmt.Sprint("/dev/fd/", r.Fd())} {
		if _, err := os.Stat(name); name != "-" && err != nil {
			continue // a system without such names
		}
		for _, command := range []string{"restore", "import"} {
			run(t, "", true, "", command, name, "--config", config).has(t, exitFailed, "write it into a file first")
		}
	}
	if _, err := os.Stat(to); err == nil {
		t.Error("it made a ledger")
	}
}
