package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/rahgir/caddy-payments/internal/pages"
)

// Brand is what the pages between shop and bank carry of the shop.
type Brand struct {
	// The shop's name.
	Name string `json:"name"`
	// The path of its logo on the site.
	Logo string `json:"logo,omitempty"`
	// The colour of buttons: six hexadecimal digits.
	Color string `json:"color,omitempty"`
	// Whom to ask: a text such as a telephone number, or an address (`https:`,
	// `mailto:`, `tel:`).
	Support string `json:"support,omitempty"`
	// The path of the shop's home page. Default: `/`.
	Home string `json:"home,omitempty"`
}

const (
	mostName    = 80
	mostSupport = 200
)

// Check says what to write in place of what can't be used.
func (b *Brand) Check() error {
	switch {
	case b.Name == "":
		return errors.New("brand needs the shop's name: brand \"My shop\"")
	case len(b.Name) > mostName:
		return fmt.Errorf("brand: the name has %d bytes and may have %d", len(b.Name), mostName)
	case len(b.Support) > mostSupport:
		return fmt.Errorf("support has %d bytes and may have %d", len(b.Support), mostSupport)
	}
	for _, c := range []struct{ option, path string }{{"logo", b.Logo}, {"home", b.Home}} {
		if c.path != "" {
			if err := pages.CheckLocal(c.path); err != nil {
				return fmt.Errorf("%s: %w", c.option, err)
			}
		}
	}
	if b.Color != "" {
		if err := pages.CheckColor(b.Color); err != nil {
			return fmt.Errorf("color: %w", err)
		}
	}
	return nil
}

// theme returns the brand as pages carry it; nil without one.
func (h *Handler) theme(r *http.Request) *pages.Theme {
	if h.Brand == nil {
		return nil
	}
	h.themed.Do(func() {
		b := h.Brand
		t, err := pages.NewTheme(h.siteOf(r).path, b.Name, b.Logo, b.Color, b.Support)
		if err == nil { // it was checked
			h.branded = t
		}
	})
	return h.branded
}

// serveFont serves the font of our Persian pages. Its address has its version.
func serveFont(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", "font/woff2")
	header.Set("Content-Length", strconv.Itoa(len(pages.Font)))
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(pages.Font)
	}
}
