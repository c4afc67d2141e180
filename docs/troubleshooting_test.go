package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	firstCell = regexp.MustCompile(`(?m)^\| ([^|]*) \|`)
	quoted    = regexp.MustCompile("(``? ?)(.+?)( ?``?)(?:[^`]|$)")
	gaps      = regexp.MustCompile(`…|'[^']*'|<[^>]*>|[0-9]+`)
	others    = []string{"bind: address already in use", "dial unix", ": connect: permission denied", ": no such file", "permission denied"}
)

// TestTroubleshooting: the messages that the page explains are messages of ours, in
// these words: what stands between their gaps is found in the source.
func TestTroubleshooting(t *testing.T) {
	var source strings.Builder
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if ext := filepath.Ext(path); ext != ".go" && ext != ".php" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		source.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ours := strings.NewReplacer("\\\"", "\"", "` + \"`", "`").Replace(source.String())
	seen := 0
	for _, page := range []string{"docs/troubleshooting.md", "docs/fa/troubleshooting.md"} {
		for _, cell := range firstCell.FindAllStringSubmatch(strings.ReplaceAll(manual(t)[page], "\u200e", ""), -1) {
			for _, m := range quoted.FindAllStringSubmatch(cell[1], -1) {
				for part := range strings.SplitSeq(gaps.ReplaceAllString(m[2], "\x00"), "\x00") {
					if part = strings.Trim(part, " ,;?:("); len(part) < 8 || known(part) {
						continue
					}
					if seen++; !strings.Contains(ours, part) {
						t.Errorf("%s: no message says %q", page, part)
					}
				}
			}
		}
	}
	if seen < 40 {
		t.Errorf("only %d pieces of messages were looked for", seen)
	}
}

// known says whether a message is of Caddy's or the system's.
func known(part string) bool {
	for _, o := range others {
		if strings.Contains(o, part) || strings.Contains(part, o) {
			return true
		}
	}
	return false
}
