package begin

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
)

// user is a person with an empty home directory.
type user struct {
	*testing.T
	dir string
}

func newUser(t *testing.T) user {
	t.Helper()
	u := user{t, t.TempDir()}
	if err := os.Mkdir(filepath.Join(u.dir, "tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	return u
}

func (u user) command(ctx context.Context, args ...string) *exec.Cmd {
	u.Helper()
	cmd := exec.CommandContext(ctx, harness.Binary(u.T), args...)
	cmd.Dir = u.dir
	cmd.Env = append(os.Environ(), "HOME="+u.dir, "XDG_DATA_HOME="+filepath.Join(u.dir, "data"), "XDG_CONFIG_HOME="+filepath.Join(u.dir, "config"),
		"TMPDIR="+filepath.Join(u.dir, "tmp"), "LC_ALL=", "LC_MESSAGES=", "LANG=en_US.UTF-8")
	return cmd
}

// run runs a command to its end; status is its exit status.
func (u user) run(args ...string) (out string, status int) {
	u.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := u.command(ctx, args...)
	b, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		u.Fatal(err)
	}
	return string(b), cmd.ProcessState.ExitCode()
}

// running is a command that goes on until it is told to end.
type running struct {
	user
	cmd  *exec.Cmd
	said string
	rest chan string
}

// start runs a command until it has printed the line that holds until.
func (u user) start(until string, env []string, args ...string) *running {
	u.Helper()
	cmd := u.command(context.Background(), args...)
	cmd.Env = append(cmd.Env, env...)
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		u.Fatal(err)
	}
	r := &running{user: u, cmd: cmd, rest: make(chan string, 1)}
	u.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = in.Close()
	})
	lines := make(chan string)
	go func() {
		var rest strings.Builder
		for s := bufio.NewScanner(out); s.Scan(); {
			select {
			case lines <- s.Text():
			case <-time.After(time.Second): // nobody waits any more
				rest.WriteString(s.Text() + "\n")
			}
		}
		r.rest <- rest.String()
	}()
	deadline := time.After(2 * time.Minute)
	for {
		select {
		case line := <-lines:
			r.said += line + "\n"
			if strings.Contains(line, until) {
				return r
			}
		case <-deadline:
			u.Fatalf("%v did not say %q:\n%s", args, until, r.said)
		}
	}
}

// end presses Ctrl+C, twice as impatient people do, and waits for the end.
func (r *running) end() {
	r.Helper()
	for range 2 {
		if err := r.cmd.Process.Signal(syscall.SIGINT); err != nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	done := make(chan error, 1)
	go func() { done <- r.cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			r.Errorf("it ended with %v", err)
		}
	case <-time.After(time.Minute):
		r.Fatal("Ctrl+C does not end it")
	}
}

// address is the first word of what was said that begins with http and ends so.
func (r *running) address(suffix string) string {
	r.Helper()
	for _, word := range strings.Fields(r.said) {
		if strings.HasPrefix(word, "http") && strings.HasSuffix(word, suffix) {
			return word
		}
	}
	r.Fatalf("no address that ends with %q:\n%s", suffix, r.said)
	return ""
}
