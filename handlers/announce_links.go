package handlers

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
)

const (
	// mostLooked is how much of a JSON answer is looked at, mostLinks how many of its
	// addresses.
	mostLooked = 16 << 10
	mostLinks  = 8
)

// isJSON is asked of every answer of a site that tracks.
func isJSON(header http.Header) bool {
	if kinds := header["Content-Type"]; len(kinds) > 0 && len(header["Content-Encoding"]) == 0 {
		kind, _, _ := strings.Cut(kinds[0], ";")
		return kind == "application/json" || strings.HasSuffix(kind, "+json")
	}
	return false
}

// notedIn notes the pay page that a shop's JSON sends its script to, as OpenCart's does:
// like a redirect without headers it proves nothing, and tells whose visit the payment
// began with.
func (h *Handler) notedIn(r *http.Request, body []byte) {
	rest := body[:min(len(body), mostLooked)]
	for range mostLinks {
		at := bytes.Index(rest, []byte("http"))
		if at < 0 {
			return
		}
		rest = rest[at:]
		end := bytes.IndexByte(rest, '"')
		if end < 0 {
			return
		}
		text := strings.ReplaceAll(strings.ReplaceAll(string(rest[:end]), `\/`, "/"), `\u0026`, "&")
		rest = rest[end:]
		u, err := url.Parse(text)
		if err != nil || u.Host == "" {
			continue
		}
		for _, p := range h.ours {
			if id, ok := p.PayPage(u); ok {
				h.noted(r, p, id)
				return
			}
		}
	}
}
