package pages

import (
	"bytes"
	_ "embed" // the template
	"html/template"
	"net/http"
	"strconv"

	"github.com/rahgir/caddy-payments/internal/caching"
	"github.com/rahgir/caddy-payments/internal/inert"
	"github.com/rahgir/caddy-payments/internal/lang"
)

//go:embed assets/page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// Write answers a request with a page, or with problem details where a program
// asked. HEAD gets the headers alone.
func Write(w http.ResponseWriter, r *http.Request, p Page) {
	v := newView(p.language(r), &p)
	mediaType, body, err := render(r, v, &p)
	if err != nil {
		// A template that fails is a bug; the status is still right.
		mediaType, body = "text/plain; charset=utf-8", inert.Text([]byte(v.Say.Title+"\n"+v.Say.Again+"\n"))
	}
	h := w.Header()
	v.headers(h, mediaType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Content-Security-Policy", policy(r, v))
	w.WriteHeader(v.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the browser may have gone
	}
}

// language is the page's own, else the one that the request prefers.
func (p *Page) language(r *http.Request) lang.Lang {
	if p.Lang == lang.FA || p.Lang == lang.EN {
		return p.Lang
	}
	return lang.Of(r)
}

// headers sets what every answer has beside its body.
func (v *view) headers(h http.Header, mediaType string) {
	h.Set("Content-Type", mediaType)
	h.Set("Content-Language", v.Lang)
	caching.Private(h, "private, no-store")
	h.Set("Referrer-Policy", referrer(v))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex")
	h.Add("Vary", "Accept, Accept-Language")
	if v.After > 0 {
		h.Set("Retry-After", strconv.Itoa(v.After))
	}
}

// render gives the body for whoever asks. Nothing in it is a template, whatever a buyer has
// typed: `templates` may stand around us.
func render(r *http.Request, v *view, p *Page) (mediaType string, body []byte, err error) {
	if ForProgram(r) {
		return problemOf(v, p.Ref)
	}
	if body, err = html(v, p); err != nil {
		return "", nil, err
	}
	return "text/html; charset=utf-8", inert.HTML(body), nil
}

func execute(v *view) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(12 << 10)
	if err := page.Execute(&b, v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
