package pages

import (
	"net/http"
	"strings"

	"github.com/rahgir/caddy-payments/internal/lang"
)

// ForProgram reports whether a request wants data and not a page: it names
// JSON and not HTML, or neither and is no browser. Every browser names HTML
// when a person opens a page.
func ForProgram(r *http.Request) bool {
	html, json := false, false
	for t, q := range lang.Preferences(r.Header["Accept"]) {
		switch {
		case q == 0:
		case t == "text/html" || t == "application/xhtml+xml" || t == "text/*":
			html = true
		case t == "application/json" || strings.HasSuffix(t, "+json"):
			json = true
		}
	}
	if html || json {
		return !html
	}
	if dest := r.Header["Sec-Fetch-Dest"]; len(dest) == 1 {
		return dest[0] == "empty"
	}
	agent := r.Header.Get("User-Agent")
	return !strings.HasPrefix(agent, "Mozilla/") && !strings.HasPrefix(agent, "Opera/")
}
