package main

import (
	"bufio"
	"context"
	"encoding/json"
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
	"syscall"
	"time"
)

// bench is one run.
type bench struct {
	quick    bool
	rounds   int
	slice    time.Duration
	parent   string
	profiles string
	against  string
	// customers, if not 0, is the one number of them in section slow.
	customers int

	self    string // this program
	dir     string
	machine machine
	section string
	rows    []row

	load           *loader
	provider, shop string
	children       []*child
	given          map[string]bool // addresses
}

func (b *bench) open(ctx context.Context) (err error) {
	b.given = make(map[string]bool)
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp(b.parent, "caddy-payments-bench-"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	b.lookAround()
	if b.provider, err = b.server(ctx, "provider"); err != nil {
		return err
	}
	if b.shop, err = b.server(ctx, "shop"); err != nil {
		return err
	}
	b.load, err = b.startLoader(ctx)
	return err
}

func (b *bench) close() {
	for i := len(b.children) - 1; i >= 0; i-- {
		b.children[i].stop()
	}
	_ = os.RemoveAll(b.dir)
}

// child is a process that this one started.
type child struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	exited chan struct{}
	log    string
}

// parentPipe is the end of a pipe that closes with the parent: stdin, but for
// the load, which gets its work from there.
func parentPipe() io.Reader {
	if os.Args[0] == "load" {
		select {}
	}
	return os.Stdin
}

// start runs this program in one of its roles, or another program. Its stderr
// goes to a file.
func (b *bench) start(ctx context.Context, name, program string, args, env []string, stdout io.Writer) (*child, error) {
	log, err := os.Create(filepath.Join(b.dir, fmt.Sprintf("%s-%d.log", name, len(b.children))))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // our own program, or php-fpm
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = stdout, log
	if stdout == nil {
		cmd.Stdout = log
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 15 * time.Second
	c := &child{cmd: cmd, exited: make(chan struct{}), log: log.Name()}
	if c.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = cmd.Wait()
		close(c.exited)
	}()
	b.children = append(b.children, c)
	return c, nil
}

// patience is how long a child may take to end before it is killed.
const patience = 20 * time.Second

// stop asks a child to end, and waits.
func (c *child) stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.exited:
	case <-time.After(patience):
		_ = c.cmd.Process.Kill()
		<-c.exited
	}
	_ = c.stdin.Close()
}

func (c *child) said() string {
	text, _ := os.ReadFile(c.log)
	if len(text) > 4000 {
		text = text[len(text)-4000:]
	}
	return string(text)
}

// await waits until a child is ready.
func (c *child) await(name string, ready func() bool) error {
	for range 600 {
		if ready() {
			return nil
		}
		select {
		case <-c.exited:
			return fmt.Errorf("%s ended:\n%s", name, c.said())
		case <-time.After(50 * time.Millisecond):
		}
	}
	c.stop()
	return fmt.Errorf("%s does not answer:\n%s", name, c.said())
}

// startRole runs this program in one of its roles, and gives what it prints.
func (b *bench) startRole(ctx context.Context, role string) (*child, *bufio.Reader, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer w.Close()
	c, err := b.start(ctx, role, b.self, []string{role}, nil, w)
	return c, bufio.NewReader(r), err
}

// server starts a role that prints its address.
func (b *bench) server(ctx context.Context, role string) (string, error) {
	_, out, err := b.startRole(ctx, role)
	if err != nil {
		return "", err
	}
	line, err := out.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("the %s did not start: %w", role, err)
	}
	return strings.TrimSpace(line), nil
}

// instance is a running Caddy.
type instance struct {
	*child
	admin string
	dir   string
}

// startCaddy runs a Caddyfile, in which {admin} and {dir} are filled in.
func (b *bench) startCaddy(ctx context.Context, caddyfile string) (*instance, error) {
	return b.startBuild(ctx, b.self, caddyfile)
}

// startBuild is startCaddy with the Caddy of another build of this command.
func (b *bench) startBuild(ctx context.Context, program, caddyfile string) (_ *instance, err error) {
	c := &instance{admin: b.address()}
	if c.dir, err = os.MkdirTemp(b.dir, "caddy-"); err != nil {
		return nil, err
	}
	caddyfile = strings.NewReplacer("{admin}", c.admin, "{dir}", c.dir, "{provider}", b.provider, "{shop}", b.shop,
		"{key}", apiKey, "{secret}", secret).Replace(caddyfile)
	config := filepath.Join(c.dir, "Caddyfile")
	if err := os.WriteFile(config, []byte(caddyfile), 0o600); err != nil {
		return nil, err
	}
	env := []string{"HOME=" + c.dir, "XDG_DATA_HOME=" + c.dir + "/data", "XDG_CONFIG_HOME=" + c.dir + "/config"}
	if c.child, err = b.start(ctx, "caddy", program, []string{"caddy", "run", "--config", config, "--adapter", "caddyfile"}, env, nil); err != nil {
		return nil, err
	}
	return c, c.await("caddy", func() bool {
		var config map[string]any
		return getJSON("http://"+c.admin+"/config/", &config) == nil && config != nil
	})
}

// profile writes a CPU profile of what c does meanwhile, and one of what it
// allocates, if profiles are wanted.
func (b *bench) profile(c *instance, name string) (done func()) {
	if b.profiles == "" || c == nil {
		return func() {}
	}
	finished := make(chan error, 2)
	go func() { finished <- b.writeProfile(c, "profile", name+".pprof") }()
	go func() { finished <- b.writeProfile(c, "allocs", name+".allocs.pprof") }()
	return func() {
		if err := errors.Join(<-finished, <-finished); err != nil {
			fmt.Fprintln(os.Stderr, "   profile:", err)
		}
	}
}

func (b *bench) writeProfile(c *instance, kind, name string) error {
	if err := os.MkdirAll(b.profiles, 0o755); err != nil { //nolint:gosec // profiles are to be read
		return err
	}
	seconds := max(1, int(b.slice.Seconds()))
	res, err := http.Get("http://" + c.admin + "/debug/pprof/" + kind + "?seconds=" + strconv.Itoa(seconds)) //nolint:gosec // loopback
	if err != nil {
		return err
	}
	defer res.Body.Close()
	f, err := os.Create(filepath.Join(b.profiles, name))
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(f, res.Body)
	return err
}

// cpu is the CPU time that a process has used so far; zero where the system
// does not say.
func (c *child) cpu() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond // 100 ticks a second
}

// resident is what a process has in memory, in MiB, and how much of it is not
// a file's.
func (c *child) resident() (all, own float64) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		kb, _ := strconv.ParseFloat(f[1], 64)
		switch f[0] {
		case "VmRSS:":
			all = kb / 1024
		case "RssAnon:":
			own = kb / 1024
		}
	}
	return all, own
}

// address is a free one on loopback, and no other time the same: nobody may have
// begun to listen there yet.
func (b *bench) address() string {
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		_ = l.Close()
		if at := l.Addr().String(); !b.given[at] {
			b.given[at] = true
			return at
		}
	}
}

func getJSON(url string, into any) error {
	client := http.Client{Timeout: 5 * time.Second}
	res, err := client.Get(url)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return errors.New(res.Status)
	}
	return json.NewDecoder(res.Body).Decode(into)
}
