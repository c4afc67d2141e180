package doors

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"html"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// name is what a shop calls itself: text, which a page must escape.
func (b *block) name() string { return fmt.Sprintf("Shop%d & <Sons>", b.Number) }

// writePages makes the templates that some sites have in place of our pages.
func writePages(dir string) (string, error) {
	dir = filepath.Join(dir, "pages")
	if err := os.Mkdir(dir, 0o755); err != nil { //nolint:gosec // test files
		return "", err
	}
	const text = `<!doctype html><html lang="{{placeholder "http.payments.page.language"}}"><title>OWN {{placeholder "http.payments.page.title"}}</title>
<p>{{placeholder "http.payments.page.text"}} {{placeholder "http.payments.page.again"}} <code>{{placeholder "http.payments.page.reference"}}</code>
<a href="{{placeholder "http.payments.page.home"}}">home</a> <a href="{{placeholder "http.payments.page.retry"}}">again</a>`
	for _, kind := range []string{"payment-required", "declined", "malformed", "confirming", "duplicate", "order-paid"} {
		if err := os.WriteFile(filepath.Join(dir, kind+".html"), []byte(text), 0o644); err != nil { //nolint:gosec // test files
			return "", err
		}
	}
	return dir, nil
}

// judgeBrand: a page of ours bears the name of the shop that it is of, as text, and
// no other's.
func (w *world) judgeBrand(q *request, a *answer) {
	if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		return
	}
	for i := range w.plan.Blocks {
		b := &w.plan.Blocks[i]
		name := b.name()
		here := b.Port == q.Port && b.named(q.host())
		switch {
		case strings.Contains(a.Body, name):
			w.fail("brand-unescaped", "the name of site %d stands in a page as HTML", b.Number)
		case strings.Contains(a.Body, html.EscapeString(name)) && !here && !(b.Port == q.Port && slices.Contains(b.Hosts, "") && !w.named(q)):
			// A catch-all is the shop of every name that leads to no other.
			w.fail("brand-mixed", "a page that %s is answered with bears the name of site %d", q.Host, b.Number)
		case a.Status == http.StatusPaymentRequired && here && b.Prefix == "" && b.Brand && !b.Pages && !b.ErrorsCaddy && q.Method == http.MethodGet && !strings.Contains(a.Body, html.EscapeString(name)):
			w.fail("brand-missing", "a page of site %d does not bear its name", b.Number)
		}
	}
}

// named: a site of the port has the host that a request names.
func (w *world) named(q *request) bool {
	return slices.ContainsFunc(w.plan.Blocks, func(b block) bool { return b.Port == q.Port && b.named(q.host()) })
}

// unpacked is a body as its reader sees it. The files that lie compressed beside
// others are plain here, so what can't be unpacked is taken as it is.
func unpacked(header http.Header, body []byte) string {
	var from io.Reader
	switch header.Get("Content-Encoding") {
	case "gzip":
		from, _ = gzip.NewReader(bytes.NewReader(body))
	case "zstd":
		z, err := zstd.NewReader(bytes.NewReader(body), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
		if err == nil {
			defer z.Close()
			from = z
		}
	}
	if r, ok := from.(*gzip.Reader); from == nil || ok && r == nil {
		return string(body)
	}
	text, err := io.ReadAll(from)
	if err != nil && len(text) == 0 {
		return string(body)
	}
	return string(text)
}
