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
	// off writes lines as comments, which begin at indent.
	off    bool
	indent string
}

func (w *writer) bytes() []byte { return []byte(w.String()) }

// line writes a line.
func (w *writer) line(text string) {
	if w.off && text != "" {
		text = w.indent + "# " + strings.TrimPrefix(text, w.indent)
	}
	w.WriteString(text + "\n")
}

// note writes a comment.
func (w *writer) note(indent string, t lang.Text) {
	for line := range strings.SplitSeq(t.In(w.lang), "\n") {
		w.WriteString(strings.TrimRight(indent+"# "+line, " ") + "\n")
	}
}
