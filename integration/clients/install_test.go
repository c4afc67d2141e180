package clients_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
)

var installing struct {
	sync.Once
	dir string
	err error
	out []byte
}

// installed is a directory with the clients' node_modules. They are kept in the user's
// cache, by the lock file's checksum, and fetched once.
func installed(t *testing.T) string {
	t.Helper()
	harness.Need(t, "node")
	npm := harness.Need(t, "npm")
	installing.Do(func() { installing.dir, installing.out, installing.err = install(npm) })
	if installing.err == nil {
		return installing.dir
	}
	if os.Getenv("PAYMENTS_REQUIRE_ALL") != "" {
		t.Fatalf("npm ci: %v\n%s", installing.err, installing.out)
	}
	t.Skipf("npm ci: %v\n%s", installing.err, installing.out)
	return ""
}

func install(npm string) (dir string, out []byte, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", nil, err
	}
	lock, err := os.ReadFile("testdata/package-lock.json")
	if err != nil {
		return "", nil, err
	}
	sum := sha256.Sum256(lock)
	dir = filepath.Join(cache, "caddy-payments-clients", hex.EncodeToString(sum[:8]))
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err == nil {
		return dir, nil, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return "", nil, err
	}
	// Another run may do the same: it is made beside, and takes its place at once.
	fresh, err := os.MkdirTemp(filepath.Dir(dir), "new-")
	if err != nil {
		return "", nil, err
	}
	defer os.RemoveAll(fresh)
	for _, name := range []string{"package.json", "package-lock.json"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			return "", nil, err
		}
		if err := os.WriteFile(filepath.Join(fresh, name), b, 0o600); err != nil {
			return "", nil, err
		}
	}
	// No script of a package runs, and what is optional isn't needed.
	cmd := exec.Command(npm, "ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund") //nolint:gosec // a program of the test's
	cmd.Dir = fresh
	if out, err = cmd.CombinedOutput(); err != nil {
		return "", out, err
	}
	if err := os.Rename(fresh, dir); err != nil {
		if _, there := os.Stat(filepath.Join(dir, "node_modules")); there != nil {
			return "", nil, err
		}
	}
	return dir, out, nil
}
