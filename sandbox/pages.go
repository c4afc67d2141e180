package sandbox

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"

	"github.com/rahgir/caddy-payments/internal/inert"
)

var (
	//go:embed templates/*.html
	files embed.FS
	//go:embed templates/style.css
	styleSheet string
	//go:embed templates/submit.js
	autoSubmit string

	// The pages allow exactly the style and the script that they embed, and the
	// empty icon that keeps browsers from asking for one. There is no
	// form-action: browsers apply it to redirects after a form as well, and the
	// bank page has to redirect to any shop.
	policy = "default-src 'none'; style-src '" + hashOf(styleSheet) + "'; script-src '" + hashOf(autoSubmit) +
		"'; img-src data:; base-uri 'none'; frame-ancestors 'none'"

	pages = template.Must(template.New("").Funcs(template.FuncMap{
		"css": func() template.CSS { return template.CSS(styleSheet) },
		"js":  func() template.JS { return template.JS(autoSubmit) },
	}).ParseFS(files, "templates/*.html"))
)

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// render writes a page; data is a struct that embeds view. Nothing in it is a template,
// whatever a shop or a payer wrote: `templates` always stands around the sandbox.
func render(w http.ResponseWriter, status int, name string, data any) {
	var buf bytes.Buffer
	if err := pages.ExecuteTemplate(&buf, name, data); err != nil {
		http.Error(w, string(inert.Text([]byte("500: "+err.Error()))), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(inert.HTML(buf.Bytes())) // the browser may be gone
}

// view is what every page knows: its language.
type view struct {
	Lang string
}

func (v view) Dir() string {
	if v.Lang == "fa" {
		return "rtl"
	}
	return "ltr"
}

// Other returns the language to switch to.
func (v view) Other() string {
	if v.Lang == "fa" {
		return "en"
	}
	return "fa"
}

// T returns the text for a key in the page's language.
func (v view) T(key string) string {
	t, ok := texts[key]
	if g := registered[key]; !ok && g != nil {
		t.fa, t.en = g.fa, g.en
	} else if !ok {
		return key
	}
	if v.Lang == "fa" {
		return t.fa
	}
	return t.en
}

// Num writes an amount with separators and the digits of the language.
func (v view) Num(n int64) string {
	s := grouped(n)
	if v.Lang == "fa" {
		return persian.Replace(strings.ReplaceAll(s, ",", "٬"))
	}
	return s
}

// Toman writes a tenth of an amount of rials; half a toman is not lost.
func (v view) Toman(n int64) string {
	s := v.Num(n / 10)
	if rest := n % 10; rest != 0 {
		point := "."
		if v.Lang == "fa" {
			point = "٫"
		}
		s += point + v.Num(rest)
	}
	return s
}

func grouped(n int64) string {
	s := rials(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// language follows ?lang=, then the browser's first choice of the two we
// speak, and is Persian otherwise.
func language(r *http.Request) string {
	if l := r.URL.Query().Get("lang"); l == "fa" || l == "en" {
		return l
	}
	for _, part := range strings.Split(r.Header.Get("Accept-Language"), ",") {
		tag, q, _ := strings.Cut(strings.ToLower(strings.TrimSpace(part)), ";")
		if strings.ReplaceAll(q, " ", "") == "q=0" {
			continue
		}
		switch base, _, _ := strings.Cut(tag, "-"); base {
		case "fa", "en":
			return base
		}
	}
	return "fa"
}
