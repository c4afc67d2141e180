package php_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
)

// fpm is a php-fpm of our own.
type fpm struct {
	socket  string
	dir     string
	program string
	cmd     *exec.Cmd
}

// newFPM writes the configuration; start runs it.
func newFPM(program, dir string, children int) (*fpm, error) {
	f := &fpm{program: program, dir: dir, socket: filepath.Join(dir, "fpm.sock")}
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
`, dir, account, f.socket, children), 0o600)
}

func (f *fpm) config() string { return filepath.Join(f.dir, "fpm.conf") }

func (f *fpm) start() error {
	args := []string{"--nodaemonize", "--fpm-config", f.config()}
	if os.Geteuid() == 0 {
		args = append(args, "--allow-to-run-as-root")
	}
	f.cmd = exec.Command(f.program, args...)
	f.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := f.cmd.Start(); err != nil {
		return err
	}
	for range 500 {
		if conn, err := net.Dial("unix", f.socket); err == nil {
			return conn.Close()
		}
		time.Sleep(10 * time.Millisecond)
	}
	f.stop()
	return errors.New("php-fpm does not listen:\n" + f.log())
}

func (f *fpm) log() string {
	text, _ := os.ReadFile(filepath.Join(f.dir, "fpm.log"))
	return string(text)
}

// stop ends it, its workers too, and waits until it is gone.
func (f *fpm) stop() {
	if f.cmd == nil {
		return
	}
	_ = f.cmd.Process.Signal(syscall.SIGTERM)
	_ = f.cmd.Wait()
	f.cmd = nil
}

// shared is the php-fpm of nearly all tests; each has its own log and shop.
var shared struct {
	once sync.Once
	fpm  *fpm
	err  error
}

func sharedFPM(t *testing.T) *fpm {
	t.Helper()
	program := program(t)
	shared.once.Do(func() {
		dir, err := os.MkdirTemp("", "payments-php-")
		if err == nil {
			shared.fpm, err = newFPM(program, dir, 8)
		}
		if err == nil {
			err = shared.fpm.start()
		}
		shared.err = err
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.fpm
}

func program(t *testing.T) string {
	t.Helper()
	return harness.Need(t, "php-fpm", "php-fpm8.4", "php-fpm8.3", "php-fpm8.2", "php-fpm*")
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.fpm != nil {
		shared.fpm.stop()
		_ = os.RemoveAll(shared.fpm.dir)
	}
	os.Exit(code)
}

func command(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).CombinedOutput()
	return string(out), err
}
