package dashboard

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/inert"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
)

//go:embed assets/style.css
var style string

//go:embed assets/live.js
var script string

//go:embed assets/pages.html
var pagesText string

//go:embed assets/home.html
var homeText string

// pages has one template for each page.
var pages = template.Must(template.New("pages").Funcs(template.FuncMap{
	"css": func() template.CSS { return template.CSS(style) }, //nolint:gosec // our own embedded file
	"js":  func() template.JS { return template.JS(script) },  //nolint:gosec // our own embedded file
}).Parse(pagesText + homeText))

// policy allows our one style sheet and our one script, by their hashes, and forms and
// calls to ourselves.
var policy = "default-src 'none'; style-src " + hashed(style) + "; script-src " + hashed(script) +
	"; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// loginExample is how a handler that authenticates is put before this one.
const loginExample = `basic_auth {
	sara <caddy hash-password>
}
payment_dashboard`

// page is one request.
type page struct {
	h      *Handler
	w      http.ResponseWriter
	r      *http.Request
	lang   lang.Lang
	user   string
	role   role
	engine *engine.Engine
}

// frame is what every page has.
type frame struct {
	Lang, Dir, Other string
	OtherLink        string
	Title, User      string
	Home             string
	// Live is where the stream of changes is; empty where the page has none.
	Live string
	// Decides is whether the user may decide.
	Decides bool
	p       *page
}

func (p *page) frame() frame {
	f := frame{Lang: string(p.lang), Dir: p.lang.Dir(), Other: string(p.lang.Other()), User: p.user, Home: p.link(), Decides: p.role == decider, p: p}
	f.Title = cmp.Or(p.h.Title, f.T("title"))
	q := p.r.URL.Query()
	q.Del("done")
	q.Set("lang", f.Other)
	f.OtherLink = "?" + q.Encode()
	if p.role != nobody && p.r.Method == http.MethodGet && !q.Has("back") {
		f.Live = "?live=1"
	}
	return f
}

// Explicitly: the language was chosen, and stays with the links.
func (f frame) Explicitly() bool { return f.p.r.URL.Query().Get("lang") != "" }

// With hands sums on to the template that shows them.
func (f frame) With(s sums) any {
	return struct {
		F frame
		S sums
	}{f, s}
}

// F is T with values filled in.
func (f frame) F(key string, args ...any) string { return fmt.Sprintf(f.T(key), args...) }

// T is a text of the pages' own.
func (f frame) T(key string) string { return texts[key].In(f.p.lang) }

// Num writes a number's digits as the language does.
func (f frame) Num(s string) string { return lang.Digits(s, f.p.lang) }

// link is an address of this dashboard, relative, so that it works under any
// path. The language stays where it was chosen.
func (p *page) link(pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if s := p.r.URL.Query().Get("lang"); s != "" {
		q.Set("lang", string(p.lang))
	}
	return "?" + q.Encode()
}

// redirect leads to another page of this dashboard.
func (p *page) redirect(status int, pairs ...string) error {
	p.w.Header().Set("Location", p.link(pairs...))
	p.w.WriteHeader(status)
	return nil
}

// render sends a page. Nothing in it is a template, whatever a payment says: `templates`
// always stands around us.
func (p *page) render(status int, name string, data any) error {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		return err
	}
	hd := p.w.Header()
	hd.Set("Content-Type", "text/html; charset=utf-8")
	hd.Set("Content-Language", string(p.lang))
	hd.Set("Content-Security-Policy", policy)
	hd.Set("X-Frame-Options", "DENY")
	hd.Set("X-Content-Type-Options", "nosniff")
	// Not "no-referrer": that would make the Origin of our own forms "null".
	hd.Set("Referrer-Policy", "same-origin")
	hd.Set("Cross-Origin-Opener-Policy", "same-origin")
	hd.Set("X-Robots-Tag", "noindex")
	hd.Set("Vary", "Accept-Language")
	p.w.WriteHeader(status)
	if p.r.Method != http.MethodHead {
		_, _ = p.w.Write(inert.HTML(b.Bytes()))
	}
	return nil
}

// message is a page that says one thing.
func (p *page) message(status int, title, text, code string) {
	f := p.frame()
	err := p.render(status, "message", struct {
		frame
		Head, Text, Code string
	}{f, f.T(title), f.T(text), code})
	if err != nil {
		p.h.log.Error("rendering a page", zap.Error(err))
		p.w.WriteHeader(http.StatusInternalServerError)
	}
}

// fail shows an error in words; its own text goes to the log.
func (p *page) fail(err error) {
	switch {
	case errors.Is(err, operate.ErrUnknown), errors.Is(err, operate.ErrInput):
		p.message(http.StatusNotFound, "unknown_title", "unknown_text", "")
	case errors.Is(err, errForeign), errors.Is(err, errForm):
		p.h.log.Warn("a decision was refused", zap.String("user", p.user), zap.Error(err))
		p.message(http.StatusForbidden, "form_title", "form_text", "")
	case errors.Is(err, errViewer):
		p.h.log.Warn("a user who may only look wanted to decide", zap.String("user", p.user))
		p.message(http.StatusForbidden, "viewer_title", "viewer_text", "")
	case errors.Is(err, errTooLarge):
		p.message(http.StatusRequestEntityTooLarge, "large_title", "", "")
	case errors.Is(err, errImpossible):
		p.message(http.StatusConflict, "form_title", "back_not", "")
	case errors.Is(err, operate.ErrUnavailable):
		p.h.log.Error("the dashboard has no store", zap.Error(err))
		p.w.Header().Set("Retry-After", "10")
		p.message(http.StatusServiceUnavailable, "store_title", "store_text", "")
	case p.r.Context().Err() != nil:
		// The person has gone.
	default:
		p.h.log.Error("the dashboard failed", zap.Error(err))
		p.message(http.StatusInternalServerError, "error_title", "error_text", "")
	}
}

// language: chosen, configured, what the browser likes best (as every page of
// ours chooses it).
func (h *Handler) language(r *http.Request) lang.Lang {
	if l, ok := lang.Parse(r.URL.Query().Get("lang")); ok {
		return l
	}
	if l, ok := lang.Parse(h.Language); ok {
		return l
	}
	return lang.Of(r)
}
