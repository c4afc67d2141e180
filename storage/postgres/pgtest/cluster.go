package pgtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Cluster is a PostgreSQL server with its data.
type Cluster struct {
	// Dir is its data directory, Port where it listens on 127.0.0.1.
	Dir  string
	Port int

	bin    string
	owner  owner
	cmd    *exec.Cmd
	exited chan struct{}
	n      atomic.Int64
	// idle is Exec's connection between two uses: to begin one takes the server longer than
	// most statements.
	idle atomic.Pointer[pgx.Conn]
}

// Superuser is the name of the cluster's owner.
const Superuser = "postgres"

// bin returns where PostgreSQL's programs are.
func bin() string {
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(real)
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return ""
	}
	return filepath.Dir(found[len(found)-1])
}

// Need skips a test where PostgreSQL is missing, or fails it where everything is
// required.
func Need(t testing.TB) {
	t.Helper()
	if bin() != "" {
		return
	}
	if os.Getenv("PAYMENTS_REQUIRE_ALL") != "" {
		t.Fatal("PostgreSQL is not installed")
	}
	t.Skip("PostgreSQL is not installed")
}

// Start makes a cluster with settings such as "fsync=off" and starts it. It ends
// with the test.
func Start(t testing.TB, settings ...string) *Cluster {
	t.Helper()
	Need(t)
	c, err := New(settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Destroy)
	return c
}

// New is Start for those who are no test; Destroy ends it.
func New(settings ...string) (*Cluster, error) {
	c, err := newCluster()
	if err != nil {
		return nil, err
	}
	if out, err := c.Command("initdb", "-D", c.Dir, "-U", Superuser, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	if err := c.Set(append([]string{"shared_buffers=64MB", "max_connections=200"}, settings...)...); err != nil {
		return nil, err
	}
	return c, c.Run()
}

func newCluster() (*Cluster, error) {
	if bin() == "" {
		return nil, errors.New("PostgreSQL is not installed")
	}
	dir, err := os.MkdirTemp("", "pg-")
	if err != nil {
		return nil, err
	}
	c := &Cluster{Dir: filepath.Join(dir, "data"), bin: bin(), owner: whom()}
	if err := c.owner.takes(dir); err != nil {
		return nil, err
	}
	if c.Port, err = freePort(); err != nil {
		return nil, err
	}
	return c, nil
}

// freePort is below the ports that the system gives out, so that nobody takes it
// while the server is down.
func freePort() (int, error) {
	for range 100 {
		n := 10_000 + rand.IntN(20_000) //nolint:gosec // test
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", n)); err == nil {
			return n, l.Close()
		}
	}
	return 0, fmt.Errorf("no port is free")
}

// Command returns one of PostgreSQL's programs, as the cluster's owner.
func (c *Cluster) Command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, name), args...) //nolint:gosec // test
	cmd.Dir = filepath.Dir(c.Dir)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "PGTZ=UTC")
	c.owner.runs(cmd)
	return cmd
}

// Set adds settings, for the next start.
func (c *Cluster) Set(settings ...string) error {
	f, err := os.OpenFile(filepath.Join(c.Dir, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		if _, err := fmt.Fprintf(f, "%s = '%s'\n", name, value); err != nil {
			return err
		}
	}
	return nil
}

// Run starts the server and waits until it takes connections.
func (c *Cluster) Run() error {
	cmd := c.Command("postgres", "-D", c.Dir, "-p", strconv.Itoa(c.Port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=")
	diesWithUs(cmd)
	log, err := os.OpenFile(c.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	c.cmd, c.exited = cmd, exited
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		select {
		case <-exited:
			return fmt.Errorf("postgres ended:\n%s", c.Log())
		default:
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		conn, err := pgx.Connect(ctx, c.DSN())
		if err == nil {
			_ = conn.Close(ctx)
		}
		cancel()
		if err == nil {
			return nil
		}
	}
	return fmt.Errorf("postgres does not answer:\n%s", c.Log())
}

// LogFile returns where the server writes.
func (c *Cluster) LogFile() string { return filepath.Join(filepath.Dir(c.Dir), "log") }

// Log returns what the server has written.
func (c *Cluster) Log() string {
	b, _ := os.ReadFile(c.LogFile())
	return string(b)
}

// Kill is kill -9 of the postmaster; its children notice and end.
func (c *Cluster) Kill() { c.end(syscall.SIGKILL) }

// Immediate returns `pg_ctl stop -m immediate`.
func (c *Cluster) Immediate() { c.end(syscall.SIGQUIT) }

func (c *Cluster) end(sig syscall.Signal) {
	if c.cmd == nil {
		return
	}
	_ = c.cmd.Process.Signal(sig)
	select {
	case <-c.exited:
	case <-time.After(20 * time.Second):
		_ = c.cmd.Process.Kill()
		<-c.exited
	}
	c.cmd = nil
}

// Again starts a server that was killed: what is left of the old one's children
// is waited for.
func (c *Cluster) Again(t testing.TB) {
	t.Helper()
	var err error
	for range 50 {
		if err = c.Run(); err == nil {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Fatal(err)
}

// Destroy ends the server and removes its data.
func (c *Cluster) Destroy() {
	if conn := c.idle.Swap(nil); conn != nil {
		_ = conn.Close(context.Background())
	}
	c.Immediate()
	_ = os.RemoveAll(filepath.Dir(c.Dir))
}

// DSN returns the address of the cluster's first database; params are pairs.
func (c *Cluster) DSN(params ...string) string { return c.DSNAt(c.Port, params...) }

// DSNAt is DSN by another port, a proxy's for instance.
func (c *Cluster) DSNAt(port int, params ...string) string {
	u := url.URL{Scheme: "postgres", User: url.User(Superuser), Host: "127.0.0.1:" + strconv.Itoa(port), Path: "/postgres"}
	q := url.Values{"sslmode": {"disable"}}
	for i := 0; i+1 < len(params); i += 2 {
		q.Set(params[i], params[i+1])
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// Schema makes an empty schema and returns its name; a DSN with the parameter
// search_path uses it as if it were a database.
func (c *Cluster) Schema(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("s%d", c.n.Add(1))
	c.Exec(t, "CREATE SCHEMA "+name)
	return name
}

// Exec runs SQL as the superuser.
func (c *Cluster) Exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	conn := c.idle.Swap(nil)
	if conn == nil || conn.Ping(ctx) != nil {
		var err error
		if conn, err = pgx.Connect(ctx, c.DSN()); err != nil {
			t.Fatal(err)
		}
	}
	_, err := conn.Exec(ctx, sql, args...)
	if !c.idle.CompareAndSwap(nil, conn) {
		_ = conn.Close(ctx)
	}
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// SQL is Exec for those who are no test.
func (c *Cluster) SQL(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, c.DSN())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

// With lends a superuser's connection.
func (c *Cluster) With(t testing.TB, f func(context.Context, *pgx.Conn)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	f(ctx, conn)
}
