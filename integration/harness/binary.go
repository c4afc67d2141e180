package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// EnvCaddy names a Caddy that was built with this module, so that several test
// packages need not each build one.
const EnvCaddy = "PAYMENTS_CADDY"

var build = sync.OnceValues(func() (string, error) {
	if path := os.Getenv(EnvCaddy); path != "" {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "caddy-payments-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "caddy")
	cmd := exec.Command("go", "build", "-race", "-o", path, "github.com/rahgir/caddy-payments/cmd/caddy") //nolint:gosec // constant arguments
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building caddy: %w\n%s", err, out)
	}
	return path, nil
})

// Binary is the path of a Caddy with this module, built with the race detector
// unless PAYMENTS_CADDY names one.
func Binary(t testing.TB) string {
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
