package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// Variables that name a Caddy which was built with this module, so that several
// test packages need not each build one: with the race detector, as people run
// it, and with the failpoints.
const (
	EnvCaddy      = "PAYMENTS_CADDY"
	EnvPlain      = "PAYMENTS_CADDY_PLAIN"
	EnvFailpoints = "PAYMENTS_CADDY_FAILPOINTS"
)

var (
	build      = sync.OnceValues(func() (string, error) { return buildCaddy(EnvCaddy, "-race") })
	buildPlain = sync.OnceValues(func() (string, error) { return buildCaddy(EnvPlain) })
	buildFail  = sync.OnceValues(func() (string, error) { return buildCaddy(EnvFailpoints, "-tags", "failpoints") })
)

func buildCaddy(env string, flags ...string) (string, error) {
	if path := os.Getenv(env); path != "" {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "caddy-payments-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "caddy")
	args := append([]string{"build", "-o", path}, flags...)
	cmd := exec.Command("go", append(args, "github.com/rahgir/caddy-payments/cmd/caddy")...) //nolint:gosec // constant arguments
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building caddy: %w\n%s", err, out)
	}
	return path, nil
}

// Binary is the path of a Caddy with this module, built with the race detector
// unless PAYMENTS_CADDY names one.
func Binary(t testing.TB) string {
	t.Helper()
	return must(t, build)
}

// Plain is the path of a Caddy as people run it, which starts three times as
// fast as one with the race detector.
func Plain(t testing.TB) string {
	t.Helper()
	return must(t, buildPlain)
}

// AsPeopleRun makes a package's tests run Plain where they would run Binary: for packages in
// which one visitor does one thing after another. What the race detector looks for is met where
// requests meet, and it makes every start and every page three times as slow.
func AsPeopleRun() { asPeopleRun = true }

var asPeopleRun bool

// Usual is the path of the Caddy that a package's tests run: Binary, or Plain after AsPeopleRun.
func Usual(t testing.TB) string {
	t.Helper()
	if asPeopleRun {
		return Plain(t)
	}
	return Binary(t)
}

// commands is the path of a Caddy as people run it, if there is one already: a command does one
// thing after another, its own tests run it under the race detector, and that takes a second to
// start.
func commands() string { return os.Getenv(EnvPlain) }

// Failpoints is the path of a Caddy whose crash points can be armed.
func Failpoints(t testing.TB) string {
	t.Helper()
	return must(t, buildFail)
}

func must(t testing.TB, build func() (string, error)) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Need skips a test where a program is missing, or fails it where everything
// is required.
func Need(t testing.TB, programs ...string) string {
	t.Helper()
	for _, p := range programs {
		if path, err := exec.LookPath(p); err == nil {
			return path
		}
		if found, _ := filepath.Glob("/usr/sbin/" + p); len(found) > 0 {
			return found[0]
		}
	}
	if os.Getenv("PAYMENTS_REQUIRE_ALL") != "" {
		t.Fatalf("none of %v is installed", programs)
	}
	t.Skipf("none of %v is installed", programs)
	return ""
}
