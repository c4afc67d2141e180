package harness

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// FPM is a php-fpm of our own.
type FPM struct {
	// Socket is what php_fastcgi takes behind `unix/`.
	Socket  string
	dir     string
	program string
	cmd     *exec.Cmd
}

// NewFPM writes the configuration; Start runs it.
func NewFPM(program, dir string, children int) (*FPM, error) {
	f := &FPM{program: program, dir: dir, Socket: filepath.Join(dir, "fpm.sock")}
	account := ""
	if os.Geteuid() == 0 {
		account = "user = root\ngroup = root\n"
	}
	return f, os.WriteFile(f.config(), fmt.Appendf(nil, `[global]
error_log = %[1]s/fpm.log
daemonize = no
log_limit = 8192
[shop]
%[2]slisten = %[3]s
listen.backlog = 511
pm = static
pm.max_children = %[4]d
catch_workers_output = yes
php_value[session.save_path] = %[1]s
php_value[display_errors] = off
php_value[log_errors] = on
`, dir, account, f.Socket, children), 0o600)
}

func (f *FPM) config() string { return filepath.Join(f.dir, "fpm.conf") }

// Start runs it and waits until it listens.
func (f *FPM) Start() error {
	args := []string{"--nodaemonize", "--fpm-config", f.config()}
	if os.Geteuid() == 0 {
		args = append(args, "--allow-to-run-as-root")
	}
	f.cmd = exec.Command(f.program, args...) //nolint:gosec // a program of the test's
	f.cmd.SysProcAttr = diesWithUs(syscall.SIGTERM)
	if err := f.cmd.Start(); err != nil {
		return err
	}
	for range 500 {
		if conn, err := net.Dial("unix", f.Socket); err == nil {
			return conn.Close()
		}
		time.Sleep(10 * time.Millisecond)
	}
	f.Stop()
	return errors.New("php-fpm does not listen:\n" + f.Log())
}

// Log is what it and its children wrote.
func (f *FPM) Log() string {
	text, _ := os.ReadFile(filepath.Join(f.dir, "fpm.log"))
	return string(text)
}

// Stop ends it, its workers too, and waits until it is gone.
func (f *FPM) Stop() {
	if f.cmd == nil {
		return
	}
	_ = f.cmd.Process.Signal(syscall.SIGTERM)
	_ = f.cmd.Wait()
	f.cmd = nil
}

// FPMProgram is the php-fpm of this machine.
func FPMProgram(t testing.TB) string {
	t.Helper()
	return Need(t, "php-fpm", "php-fpm8.4", "php-fpm8.3", "php-fpm8.2", "php-fpm*")
}
