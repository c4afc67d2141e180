package inert

import (
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"text/template"

	"pgregory.net/rapid"
)

// texts are of what may matter: braces, what ends them, and what is escaped.
var texts = rapid.StringOf(rapid.SampledFrom([]rune("{{{{}&#1;<\"'\\ u07ب")))

// Whatever is written, a template of it is itself, and a reader sees the same.
func TestNothingIsATemplate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := texts.Draw(t, "text")
		page := HTML([]byte(html.EscapeString(s)))
		if got := html.UnescapeString(string(page)); got != s {
			t.Errorf("%q reads %q", s, got)
		}
		data, _ := json.Marshal(map[string]string{s: s})
		object := JSON(data)
		var back map[string]string
		if err := json.Unmarshal(object, &back); err != nil || len(back) != 1 || back[s] != s {
			t.Errorf("%q reads %v: %v", s, back, err)
		}
		plain := Text([]byte(s))
		if strings.ReplaceAll(string(plain), " ", "") != strings.ReplaceAll(s, " ", "") {
			t.Errorf("%q reads %q", s, plain)
		}
		for _, out := range [][]byte{page, object, plain} {
			if strings.Contains(string(out), "{{") {
				t.Errorf("%q becomes %q", s, out)
			}
			var b strings.Builder
			if err := template.Must(template.New("").Parse(string(out))).Execute(&b, nil); err != nil || b.String() != string(out) {
				t.Errorf("%q runs as %q: %v", out, b.String(), err)
			}
		}
	})
}

// A redirect has the address as it was, and says it nowhere else.
func TestRedirect(t *testing.T) {
	const to = "https://shop.test/x?a={{`KEY`|env}}"
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		w := httptest.NewRecorder()
		Redirect(w, httptest.NewRequest(method, "/cb", nil), to, http.StatusSeeOther)
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != to || w.Body.Len() != 0 || w.Header().Get("Content-Type") != "" {
			t.Errorf("%s: %d %v %s", method, w.Code, w.Header(), w.Body)
		}
	}
}
