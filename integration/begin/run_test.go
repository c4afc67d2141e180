package begin

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
)

// user is a person with an empty home directory.
type user struct {
	*testing.T
	dir string
}

func init() { harness.AsPeopleRun() }

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
	cmd := exec.CommandContext(ctx, harness.Usual(u.T), args...)
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

// output is what a command has printed so far.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// running is a command that goes on until it is told to end.
type running struct {
	user
	cmd  *exec.Cmd
	out  *output
	done chan error
}

// start runs a command until it has printed something that holds until.
func (u user) start(until string, env []string, args ...string) *running {
	u.Helper()
	r := &running{user: u, cmd: u.command(context.Background(), args...), out: new(output), done: make(chan error, 1)}
	r.cmd.Env = append(r.cmd.Env, env...)
	r.cmd.Stdout, r.cmd.Stderr = r.out, r.out
	if err := r.cmd.Start(); err != nil {
		u.Fatal(err)
	}
	u.Cleanup(func() { _ = r.cmd.Process.Kill() })
	go func() { r.done <- r.cmd.Wait() }()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if strings.Contains(r.said(), until) {
			return r
		}
		select {
		case err := <-r.done:
			u.Fatalf("%v ended with %v:\n%s", args, err, r.said())
		default:
		}
	}
	u.Fatalf("%v did not say %q:\n%s", args, until, r.said())
	return nil
}

func (r *running) said() string { return r.out.String() }

// end presses Ctrl+C so many times and waits for the end.
func (r *running) end(times int) {
	r.Helper()
	for range times {
		if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	select {
	case err := <-r.done:
		if err != nil {
			r.Errorf("it ended with %v:\n%s", err, r.said())
		}
	case <-time.After(time.Minute):
		r.Fatalf("Ctrl+C does not end it:\n%s", r.said())
	}
}

// address is the first word that was said, begins with http and ends with suffix.
func (r *running) address(suffix string) string {
	r.Helper()
	for _, word := range strings.Fields(r.said()) {
		if strings.HasPrefix(word, "http") && strings.HasSuffix(word, suffix) {
			return word
		}
	}
	r.Fatalf("no address that ends with %q:\n%s", suffix, r.said())
	return ""
}
