package main

import (
	"context"
	_ "embed" // the shops in PHP
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed verify.php
var verifyPHP []byte

//go:embed product.php
var productPHP []byte

// fpmWorkers is how many workers php-fpm has.
const fpmWorkers = 8

// startFPM runs php-fpm with eight static workers, as the budget says.
func (b *bench) startFPM(ctx context.Context) (*fpm, error) {
	program, err := phpProgram()
	if err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, program, "-m").Output(); err != nil || //nolint:gosec // php-fpm
		!strings.Contains(string(out), "pdo_sqlite") || !strings.Contains(string(out), "curl") {
		return nil, errors.New("php-fpm has no pdo_sqlite or no curl (Debian: php-sqlite3, php-curl)")
	}
	f := new(fpm)
	if f.dir, err = os.MkdirTemp(b.dir, "php"); err != nil {
		return nil, err
	}
	f.socket = filepath.Join(f.dir, "fpm.sock")
	account, args := "", []string{"--nodaemonize", "--fpm-config", filepath.Join(f.dir, "fpm.conf")}
	if os.Geteuid() == 0 {
		account, args = "user = root\ngroup = root\n", append(args, "--allow-to-run-as-root")
	}
	conf := fmt.Appendf(nil, `[global]
error_log = %[1]s/fpm.log
daemonize = no
[shop]
%[2]slisten = %[3]s
listen.backlog = 511
pm = static
pm.max_children = %[4]d
php_value[display_errors] = off
php_value[log_errors] = on
php_admin_value[opcache.enable] = 1
`, f.dir, account, f.socket, fpmWorkers)
	if err := errors.Join(os.WriteFile(filepath.Join(f.dir, "fpm.conf"), conf, 0o600),
		os.WriteFile(filepath.Join(f.dir, "verify.php"), verifyPHP, 0o600),
		os.WriteFile(filepath.Join(f.dir, "product.php"), productPHP, 0o600)); err != nil {
		return nil, err
	}
	if f.child, err = b.start(ctx, "php-fpm", program, args, nil, nil); err != nil {
		return nil, err
	}
	return f, f.await("php-fpm", func() bool {
		conn, err := net.Dial("unix", f.socket)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// phpIfThere starts php-fpm; without it the lines that need it say so, and f is nil.
func (b *bench) phpIfThere(ctx context.Context) (f *fpm) {
	f, err := b.startFPM(ctx)
	if err != nil {
		b.fail(err)
		return nil
	}
	return f
}

// stop ends php-fpm, if there is one.
func (f *fpm) stop() {
	if f != nil {
		f.child.stop()
	}
}

// products is a site whose every page is the least that PHP can do.
func (f *fpm) products() string {
	return fmt.Sprintf("\troot %s\n\tphp_fastcgi unix/%s {\n\t\tindex product.php\n\t}\n", f.dir, f.socket)
}

func phpProgram() (string, error) {
	if path, err := exec.LookPath("php-fpm"); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/bin", "/usr/local/sbin"} {
		if found, _ := filepath.Glob(filepath.Join(dir, "php-fpm*")); len(found) > 0 {
			return found[len(found)-1], nil
		}
	}
	return "", errors.New("php-fpm is not installed")
}
