package handlers

import (
	"net/http"
	"strings"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/internal/pages"
	"github.com/rahgir/caddy-payments/internal/token"
)

// assetsPath is below what our pages load. Browsers find it where they find the page's
// own site: behind what a proxy or a `handle_path` takes off the path.
const assetsPath = "/.payments/"

// cookieLang is the language that a visitor chose on one of our pages.
const cookieLang = "lang"

// serveAsset serves what our pages load.
func (h *Handler) serveAsset(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path == pages.FontPath {
		serveFont(w, r)
		return true
	}
	if l, ok := strings.CutPrefix(r.URL.Path, pages.LangPath); ok && (l == string(lang.FA) || l == string(lang.EN)) {
		if from := r.Header.Get("Sec-Fetch-Site"); from != "cross-site" {
			token.SetCookie(w, cookieLang, l, 0, h.view(r))
		}
		w.Header().Set("Cache-Control", forNobody)
		w.WriteHeader(http.StatusNoContent)
		return true
	}
	return false
}

// chosenLang is the language of our pages: what the visitor chose on one of them, else
// what the browser asks for.
func (h *Handler) chosenLang(r *http.Request) lang.Lang {
	if len(r.Header["Cookie"]) > 0 {
		if l := lang.Lang(token.ReadCookie(r, cookieLang, h.view(r))); l == lang.FA || l == lang.EN {
			return l
		}
	}
	return lang.Of(r)
}

// assets is the path below which browsers find what our pages load.
func (h *Handler) assets(r *http.Request) string {
	back := h.wayBack(r)
	return back.front + back.stripped
}
