package payments_test

import (
	"bufio"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// No code knows a gateway by name but its own: a folder of providers/, a file of
// sandbox/ and a line of module.go. So a gateway is added by adding these, and one of
// somebody else's is treated like ours.
func TestNobodyKnowsAGatewayByName(t *testing.T) {
	t.Parallel()
	own := regexp.MustCompile(`^(providers/[^/]+/|module\.go$)`)
	// Tests, and what only tests use.
	apart := regexp.MustCompile(`(_test\.go$|/testdata/|^(integration|bench|mutations)/|^storage/storagetest/|^operate/operatetest/)`)
	var names []string
	for _, m := range caddy.GetModules("payments.providers") {
		names = append(names, regexp.QuoteMeta(m.ID.Name()))
	}
	if len(names) == 0 {
		t.Fatal("no provider")
	}
	named := regexp.MustCompile("[\"`](" + strings.Join(names, "|") + ")[\"`]|payments\\.providers\\.[a-z0-9]|" + `\b24pal\b`)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != "." && d.Name() != ".ci":
			return fs.SkipDir
		}
		path = filepath.ToSlash(path)
		script := strings.HasPrefix(path, ".ci/") || strings.HasPrefix(path, "scripts/")
		if d.IsDir() || !strings.HasSuffix(path, ".go") && !script || own.MatchString(path) || apart.MatchString(path) || ofTheSandbox(path) {
			return nil
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		in := bufio.NewScanner(f)
		in.Buffer(nil, 1<<20)
		for n := 1; in.Scan(); n++ {
			if named.MatchString(in.Text()) {
				t.Errorf("%s:%d knows a gateway by name: %s", path, n, strings.TrimSpace(in.Text()))
			}
		}
		return in.Err()
	})
	if err != nil {
		t.Error(err)
	}
}

// ofTheSandbox: a gateway's own file in sandbox/, or one that belongs to it.
func ofTheSandbox(path string) bool {
	name, ok := strings.CutPrefix(path, "sandbox/")
	if !ok {
		return false
	}
	name, _, _ = strings.Cut(strings.TrimSuffix(name, ".go"), "_")
	b, err := os.ReadFile(filepath.Join("sandbox", name+".go"))
	return err == nil && strings.Contains(string(b), "\tregister(g")
}
