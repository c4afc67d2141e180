package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Caddy is a running Caddy.
type Caddy struct {
	// Dir is its home: configuration, data and logs are below.
	Dir string
	// Admin is the address of its admin endpoint.
	Admin string
	// Env is added to its environment at the next Start.
	Env []string
	// Bin is the program; empty is that of Usual.
	Bin string
	// Files are handed to it at the next Start, as descriptors from 3 on.
	Files []*os.File

	// written is every Caddyfile that it was given; kept are files of the test's.
	written string
	kept    map[string]bool

	t       testing.TB
	cmd     *exec.Cmd
	exited  chan struct{}
	mu      sync.Mutex
	log     bytes.Buffer
	waitErr error
}

// Start runs Caddy with a Caddyfile and waits until it serves. In the text
// {{admin}} is its admin address and {{dir}} its home. The global options must
// contain `admin {{admin}}`.
func Start(t testing.TB, caddyfile string, env ...string) *Caddy {
	t.Helper()
	c := New(t, caddyfile, env...)
	c.Start()
	return c
}

// New prepares a Caddy without starting it.
func New(t testing.TB, caddyfile string, env ...string) *Caddy {
	t.Helper()
	dir := t.TempDir()
	c := &Caddy{Dir: dir, Admin: "127.0.0.1:" + strconv.Itoa(Port(t)), Env: env, t: t}
	c.Write(caddyfile)
	t.Cleanup(func() {
		if c.Running() {
			c.searchAdmin()
		}
		c.Kill()
		c.searchRest()
		if t.Failed() {
			t.Logf("the end of caddy's log:\n%s", c.tail(300))
		}
		if strings.Contains(c.Log(), "WARNING: DATA RACE") {
			t.Errorf("the race detector found something:\n%s", c.Log())
		}
	})
	return c
}

// Write replaces the Caddyfile, for Start or Reload.
func (c *Caddy) Write(caddyfile string) {
	c.t.Helper()
	text := strings.NewReplacer("{{admin}}", c.Admin, "{{dir}}", c.Dir).Replace(caddyfile)
	c.written += text
	if err := os.WriteFile(c.Config(), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// Config is the Caddyfile's path, Data the data directory's.
func (c *Caddy) Config() string { return filepath.Join(c.Dir, "Caddyfile") }

// Data is Caddy's data directory.
func (c *Caddy) Data() string { return filepath.Join(c.Dir, "data", "caddy") }

// Start starts it (again) and waits until its admin endpoint answers.
func (c *Caddy) Start() {
	c.t.Helper()
	if err := c.TryStart(); err != nil {
		c.t.Fatalf("caddy did not start: %v\n%s", err, c.Log())
	}
}

// TryStart is Start for those who expect it to fail.
func (c *Caddy) TryStart() error {
	c.keepInput()
	exited, err := c.Launch()
	if err != nil {
		return err
	}
	deadline := time.Now().Add(90 * time.Second)
	for time.Now().Before(deadline) {
		select {
		case <-exited:
			return fmt.Errorf("it ended: %w", errors.Join(errors.New("exited"), c.waitErr))
		default:
		}
		if c.Serving() {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return errors.New("it does not answer")
}

// Launch starts it without waiting for anything; exited is closed when it has
// ended.
func (c *Caddy) Launch() (exited <-chan struct{}, err error) {
	cmd := c.Command(context.Background(), "run", "--config", c.Config(), "--adapter", "caddyfile")
	cmd.Stdout, cmd.Stderr = logWriter{c}, logWriter{c}
	cmd.SysProcAttr = diesWithUs(syscall.SIGKILL)
	cmd.ExtraFiles = c.Files
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	done := make(chan struct{})
	c.cmd, c.exited = cmd, done
	go func() {
		c.waitErr = cmd.Wait()
		close(done)
	}()
	return done, nil
}

// Exited is closed when the process that was started last has ended.
func (c *Caddy) Exited() <-chan struct{} { return c.exited }

// Serving says whether it serves: its admin endpoint has a configuration once
// all apps run.
func (c *Caddy) Serving() bool {
	conn, err := net.DialTimeout("tcp", c.Admin, time.Second)
	if err != nil {
		return false
	}
	_ = conn.Close()
	res, err := http.Get("http://" + c.Admin + "/config/")
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK && res.ContentLength != 5 // "null\n"
}

// ask asks the admin endpoint, not for long: the process may be stopped.
func (c *Caddy) ask(path string) (status int, text string, err error) {
	client := &http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	res, err := client.Get("http://" + c.Admin + path)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

// Command is a run of the binary with this Caddy's environment.
func (c *Caddy) Command(ctx context.Context, args ...string) *exec.Cmd {
	c.t.Helper()
	bin := c.Bin
	if bin == "" {
		bin = commands()
	}
	if bin == "" || c.Bin == "" && (len(args) == 0 || args[0] == "run") {
		bin = Usual(c.t)
	}
	cmd := exec.CommandContext(ctx, bin, args...) //nolint:gosec // test
	cmd.Dir = c.Dir
	cmd.Env = append(os.Environ(), append([]string{
		"HOME=" + c.Dir, "XDG_DATA_HOME=" + filepath.Join(c.Dir, "data"), "XDG_CONFIG_HOME=" + filepath.Join(c.Dir, "config"),
	}, c.Env...)...)
	return cmd
}

// Run runs a subcommand to its end and returns what it printed.
func (c *Caddy) Run(args ...string) (string, error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	out, err := c.Command(ctx, args...).CombinedOutput()
	return string(out), err
}

// Reload loads the Caddyfile as it is now written, and waits until that alone is served.
func (c *Caddy) Reload() error {
	c.t.Helper()
	out, err := c.Run("reload", "--config", c.Config(), "--adapter", "caddyfile", "--address", c.Admin, "--force")
	AfterReload(c.t, c.PID()) // also a refused one may have begun to listen
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// Kill is kill -9, and waits until it is gone.
func (c *Caddy) Kill() { c.signal(syscall.SIGKILL) }

// Stop is SIGTERM, and waits until it is gone.
func (c *Caddy) Stop() { c.signal(syscall.SIGTERM) }

// PID is its process.
func (c *Caddy) PID() int { return c.cmd.Process.Pid }

// Signal sends a signal without waiting.
func (c *Caddy) Signal(s syscall.Signal) {
	if c.cmd != nil {
		_ = c.cmd.Process.Signal(s)
	}
}

// Running reports whether the process lives.
func (c *Caddy) Running() bool {
	if c.cmd == nil {
		return false
	}
	select {
	case <-c.exited:
		return false
	default:
		return true
	}
}

func (c *Caddy) signal(s syscall.Signal) {
	if c.cmd == nil {
		return
	}
	_ = c.cmd.Process.Signal(s)
	select {
	case <-c.exited:
	case <-time.After(30 * time.Second):
		_ = c.cmd.Process.Kill()
		<-c.exited
	}
}

// logWriter collects the process's output.
type logWriter struct{ c *Caddy }

func (w logWriter) Write(b []byte) (int, error) {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	return w.c.log.Write(b)
}

// tail is the end of its log, without what was asked of its admin endpoint.
func (c *Caddy) tail(most int) string {
	var lines []string
	for line := range strings.Lines(c.Log()) {
		if !strings.Contains(line, `"logger":"admin.api"`) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-most):], "")
}

// Log is everything that it printed.
func (c *Caddy) Log() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.String()
}
