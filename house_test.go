package payments_test

import (
	"bufio"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
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

// floors are the rooms of the house, from the ground up: a folder at the top, and what
// may be imported by it is its own room and all below its floor. Programs and tests
// stand on the roof, and nothing imports them.
var floors = [][]string{
	{"payment", "examples"},
	{"internal"},
	{"providers", "affiliates", "storage", "engine", "sandbox"},
	{"operate"},
	{"handlers", "admin"},
	{"app"},
	{"caddyfile"},
	{"."},
	{"cmd", "bench", "integration", "mutations", "docs", "packaging"},
}

// exceptions are imports that stay within a floor: affiliates talk HTTP like providers.
var exceptions = map[[2]string]bool{{"affiliates", "providers/wire"}: true}

// Imports point downward only, and never sideways: so a reader who follows them comes
// to the ground floor, no circle closes, and providers and sandbox never see each other.
func TestImportsPointDownward(t *testing.T) {
	t.Parallel()
	const module = "github.com/rahgir/caddy-payments"
	floor := make(map[string]int)
	for n, rooms := range floors {
		for _, room := range rooms {
			floor[room] = n
		}
	}
	room := func(path string) string {
		first, _, _ := strings.Cut(path, "/")
		return first
	}
	seen := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		path = filepath.ToSlash(path)
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || strings.HasSuffix(d.Name(), "test") || path == "tools"):
			return fs.SkipDir // helpers of tests may look anywhere
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		from := "."
		if strings.Contains(path, "/") {
			from = room(path)
		}
		mine, known := floor[from]
		if !known {
			t.Errorf("%s: the room %s stands on no floor: give it one in floors", path, from)
			return nil
		}
		for _, spec := range f.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			to, ours := strings.CutPrefix(imported, module)
			if !ours {
				continue
			}
			seen++
			to = strings.TrimPrefix(to, "/")
			into := "."
			if to != "" {
				into = room(to)
			}
			if into != from && floor[into] >= mine && !exceptions[[2]string{from, to}] {
				t.Errorf("%s imports %s, which does not stand below it", path, imported)
			}
		}
		return nil
	})
	if err != nil || seen < 100 {
		t.Errorf("%d imports looked at, %v", seen, err)
	}
}
