package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	declared = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark)\w*)\(`)
	runs     = regexp.MustCompile(`\s-(?:run|bench)[\s=]+'?([^'\x60\s]+)`)
)

// TestCommandsRunSomething: `go test` is content with a -run that fits nothing, so
// a command in the manual might be of no use and nobody would know.
func TestCommandsRunSomething(t *testing.T) {
	var names []string
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(text, -1) {
			names = append(names, string(m[1]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	pages := manual(t)
	seen := 0
	for page, text := range pages {
		for _, m := range runs.FindAllStringSubmatch(text, -1) {
			top, _, _ := strings.Cut(m[1], "/")
			want, err := regexp.Compile(top)
			if err != nil {
				t.Errorf("%s: -run %s: %v", page, m[1], err)
				continue
			}
			if seen++; top != "^$" && !slices.ContainsFunc(names, want.MatchString) {
				t.Errorf("%s: no test and no benchmark is called %s", page, m[1])
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d commands were found", seen)
	}
}
