package handlers

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/templates"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/internal/inert"
	"github.com/rahgir/caddy-payments/internal/pages"
	"github.com/rahgir/caddy-payments/internal/quote"
)

// ownPages are the owner's own templates in place of our pages, one file for each kind:
// `declined.html`. They are Caddy's templates, with what we would say as placeholders
// `{http.payments.page.…}`, escaped for HTML.
//
// Its invariant: a template that is missing, or that fails, is our own page instead; the
// status and what caches are told are ours in any case. What a template has made is run
// by no other one: a `templates` of the site may stand around us, and the page may show
// what a buyer has typed.
type ownPages struct {
	dir string
	run *templates.Templates
}

const ownSuffix = ".html"

// never are pages that send the browser on by themselves: they stay ours.
func never(k pages.Kind) bool { return k == pages.Bounce || k == pages.ToBank }

// newOwnPages checks the directory.
func newOwnPages(ctx caddy.Context, dir string) (*ownPages, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		var why *fs.PathError // says the directory, too
		if errors.As(err, &why) {
			err = why.Err
		}
		return nil, fmt.Errorf("pages: the directory %s can't be read: %w", cmp.Or(quote.File(dir), "that it names"), err)
	}
	var names []string
	for _, k := range pages.Kinds() {
		if !never(k) {
			names = append(names, string(k)+ownSuffix)
		}
	}
	found := 0
	for _, f := range files {
		if f.IsDir() || !strings.HasSuffix(f.Name(), ownSuffix) {
			continue
		}
		found++
		if !slices.Contains(names, f.Name()) {
			return nil, fmt.Errorf("pages: %s replaces none of our pages; %s", filepath.Join(dir, f.Name()), block.Suggest(f.Name(), names))
		}
	}
	if found == 0 {
		return nil, fmt.Errorf("pages: there is no template in %s; the files are called %s", dir, block.Join(names, "and"))
	}
	o := &ownPages{dir: dir, run: &templates.Templates{FileRoot: dir}}
	if err := o.run.Provision(ctx); err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	return o, nil
}

// write answers with the owner's template, if there is one for this page.
func (o *ownPages) write(w http.ResponseWriter, r *http.Request, p pages.Page, log *zap.Logger) bool {
	if o == nil || never(p.Kind) || len(p.Fields) > 0 || pages.ForProgram(r) {
		return false
	}
	file := filepath.Join(o.dir, string(p.Kind)+ownSuffix)
	text, err := os.ReadFile(file) //nolint:gosec // the owner's directory, and one of our own names
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			log.Error("a page's template can't be read; ours is shown", zap.String("file", file), zap.Error(err))
		}
		return false
	}
	if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		for name, value := range pages.Values(r, p) {
			repl.Set(placeholderPrefix+"page."+name, html.EscapeString(value))
		}
	}
	var made bytes.Buffer
	whole := caddyhttp.NewResponseRecorder(w, &made, func(int, http.Header) bool { return true })
	err = o.run.ServeHTTP(whole, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		pages.SetHeaders(w.Header(), r, p)
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		w.WriteHeader(statusOf(p))
		_, err := w.Write(text)
		return err
	}))
	if err != nil {
		log.Error("a page's template failed; ours is shown", zap.String("file", file), zap.Error(err))
		return false
	}
	page := inert.HTML(made.Bytes())
	if r.Method != http.MethodHead {
		w.Header().Set("Content-Length", strconv.Itoa(len(page)))
	}
	w.WriteHeader(whole.Status())
	_, _ = w.Write(page) // the browser may have gone
	return true
}
