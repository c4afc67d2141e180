package begin

import (
	"embed"
	"strings"

	"github.com/rahgir/caddy-payments/internal/lang"
)

//go:embed site
var pages embed.FS

// writer puts a configuration together, with comments in one language.
type writer struct {
	strings.Builder
	lang lang.Lang
}

func (w *writer) bytes() []byte { return []byte(w.String()) }

// line writes a line.
func (w *writer) line(text string) { w.WriteString(text + "\n") }

// lines writes lines, as comments where they are off.
func (w *writer) lines(off bool, indent string, lines ...string) {
	if off {
		indent += "# "
	}
	for _, text := range lines {
		w.line(indent + text)
	}
}

// note writes a comment.
func (w *writer) note(indent string, t lang.Text) {
	for line := range strings.SplitSeq(t.In(w.lang), "\n") {
		w.WriteString(strings.TrimRight(indent+"# "+line, " ") + "\n")
	}
}
