package doors

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// files are what each root holds, and what each shop's router serves: content
// whose address can't be guessed from it, so that what came back says whose it
// is.
var files = []string{
	"/index.html", "/free.html", "/book.pdf", "/docs/guide.pdf", "/lesson.html", "/course/index.html", "/course/one.html", "/course/pro/x.html",
	"/paid.php", "/thanks.html", "/members/secret.txt", "/errors/402.html", "/errors/404.html", "/errors/400.html",
}

// pages are the shop's own, which only its router knows.
var pages = []string{
	"/", "/thanks", "/free", "/book.pdf", "/docs/guide.pdf", "/lesson", "/course/one", "/course/pro/x", "/paid.php", "/members/secret.txt", "/r", "/sorry",
}

const marked = "MARK-"

var markers = regexp.MustCompile(marked + "[0-9a-f]{20}")

// content is one thing that may be paid for: a file or page of a block.
type content struct {
	Block int
	Path  string
}

// known are all markers.
var known = make(map[string]content)

// mark is a content's marker.
func mark(c content) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", c.Block, c.Path))
	return marked + hex.EncodeToString(sum[:])[:20]
}

// text is what a content looks like: its marker, often enough that a part of it
// still tells, and a length of its own.
func text(c content) string {
	n := 0
	for _, r := range c.Path {
		n = (n*31 + int(r)) % 9973
	}
	return strings.Repeat(mark(c)+";\n", 8+c.Block) + strings.Repeat(".", n%97+1)
}

// writeRoots puts the files of all blocks on disk.
func writeRoots(dir string, blocks int) ([]string, error) {
	var roots []string
	for b := range blocks {
		root := filepath.Join(dir, fmt.Sprintf("root%d", b))
		for _, f := range files {
			name := filepath.Join(root, filepath.FromSlash(f))
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // test files
				return nil, err
			}
			if err := os.WriteFile(name, []byte(text(content{b, f})), 0o644); err != nil { //nolint:gosec // test files
				return nil, err
			}
		}
		for _, f := range append(append([]string{}, files...), pages...) {
			known[mark(content{b, f})] = content{b, f}
		}
		// The sidecar is the same resource in another coding; nobody here decodes it.
		for _, f := range []string{"/book.pdf", "/lesson.html"} {
			if err := os.WriteFile(filepath.Join(root, filepath.FromSlash(f)+".gz"), []byte(text(content{b, f})), 0o644); err != nil { //nolint:gosec // test files
				return nil, err
			}
		}
		for _, script := range []string{"/index.php", "/callback.php"} {
			if err := os.WriteFile(filepath.Join(root, filepath.FromSlash(script)), []byte("a script"), 0o644); err != nil { //nolint:gosec // test files
				return nil, err
			}
		}
		roots = append(roots, root)
	}
	return roots, nil
}
