package harness

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// MariaDB starts a MariaDB server that lasts as long as the test, with empty data and without
// accounts: whoever reaches its socket, which it returns, may do anything.
func MariaDB(t testing.TB) (socket string) {
	t.Helper()
	program := Need(t, "mariadbd", "mysqld")
	// Not t.TempDir: the path of a socket must be short.
	dir, err := os.MkdirTemp("", "mariadb-")
	if err != nil {
		t.Fatal(err)
	}
	socket = filepath.Join(dir, "sock")
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	// --skip-grant-tables also lets it do without the system's tables, so that nothing has to
	// be installed first.
	args := []string{
		"--no-defaults", "--datadir=" + data, "--socket=" + socket, "--pid-file=" + filepath.Join(dir, "pid"), "--skip-networking", "--skip-grant-tables",
		"--skip-log-bin", "--performance-schema=off", "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M", "--innodb-flush-log-at-trx-commit=0",
		"--skip-innodb-doublewrite", "--skip-innodb-use-native-aio", "--innodb-fast-shutdown=2", "--character-set-server=utf8mb4",
	}
	if os.Geteuid() == 0 {
		args = append(args, "--user=root")
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...) //nolint:gosec // a program of the test's
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = diesWithUs(syscall.SIGKILL)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = log.Close()
		_ = os.RemoveAll(dir)
	})
	if err := listens(socket); err != nil {
		text, _ := os.ReadFile(log.Name())
		t.Fatalf("MariaDB: %v\n%s", err, text)
	}
	return socket
}

func listens(socket string) error {
	for range 1500 {
		if conn, err := net.Dial("unix", socket); err == nil {
			return conn.Close()
		}
		time.Sleep(10 * time.Millisecond)
	}
	return errors.New("it does not listen")
}
