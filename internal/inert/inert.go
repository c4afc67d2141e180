// Package inert keeps what we write ourselves from being run as a template.
//
// Caddy's `templates` runs every HTML and plain-text answer of the handlers behind it,
// and our pages show what strangers have typed. It often stands outside of us, and we
// don't look whether it does.
package inert

import (
	"bytes"
	"net/http"
)

// Invariant: no answer that passed through here has two opening braces in a row, which is
// what begins an action of a template; a reader sees the same text as before.

const brace = '{'

// HTML writes a second brace as its character reference, which means the same in text, in
// attributes, titles and text areas. Inside of a style or a script it would not, so ours
// have none there. Where there is nothing to change, the page itself is returned.
func HTML(page []byte) []byte { return apart(page, "&#123;") }

// JSON writes a second brace as its escape. Two in a row are only found in strings: an
// object begins with a name or ends.
func JSON(text []byte) []byte { return apart(text, `\u007b`) }

// Text puts a space between braces: plain text has no way to write one otherwise.
func Text(text []byte) []byte { return apart(text, " {") }

// apart replaces each brace that follows another.
func apart(text []byte, second string) []byte {
	at := bytes.Index(text, []byte("{{"))
	if at < 0 {
		return text
	}
	out := make([]byte, 0, len(text)+len(text)/8+len(second))
	out = append(out, text[:at+1]...)
	for i := at + 1; i < len(text); i++ {
		if text[i] == brace && text[i-1] == brace {
			out = append(out, second...)
			continue
		}
		out = append(out, text[i])
	}
	return out
}

// Redirect is http.Redirect without its page, which repeats the address. Unlike a page, the
// address must reach the browser byte for byte.
func Redirect(w http.ResponseWriter, r *http.Request, to string, status int) {
	w.Header()["Content-Type"] = nil // so that no page is written, and no type is guessed
	http.Redirect(w, r, to, status)
}
