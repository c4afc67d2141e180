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
	html, json, _ := accepted(r)
	if html || json {
		return !html
	}
	if TakesNoPage(r) {
		return true
	}
	if dest := r.Header["Sec-Fetch-Dest"]; len(dest) == 1 {
		return dest[0] == "empty"
	}
	agent := r.Header.Get("User-Agent")
	return !strings.HasPrefix(agent, "Mozilla/") && !strings.HasPrefix(agent, "Opera/")
}

// TakesNoPage reports whether a request says of itself that no page can be shown to whoever
// sent it: it names what it takes, and neither HTML nor everything is among that.
func TakesNoPage(r *http.Request) bool {
	html, _, all := accepted(r)
	return r.Header.Get("Accept") != "" && !html && !all && r.Header.Get("Sec-Fetch-Mode") == ""
}

// accepted returns whether a request names HTML, JSON and everything among what it takes.
func accepted(r *http.Request) (html, json, all bool) {
	for t, q := range lang.Preferences(r.Header["Accept"]) {
		switch {
		case q == 0:
		case t == "*/*":
			all = true
		case t == "text/html" || t == "application/xhtml+xml" || t == "text/*":
			html = true
		case t == "application/json" || strings.HasSuffix(t, "+json"):
			json = true
		}
	}
	return html, json, all
}
