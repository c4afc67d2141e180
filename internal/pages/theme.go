package pages

import (
	_ "embed" // the font
	"errors"
	"net/url"
	"strconv"
	"strings"
)

// FontPath is where a site serves the font of its Persian pages; it has the version in
// it, so that browsers may keep it for ever.
const FontPath = "/.payments/vazirmatn-33.woff2"

// Font is Vazirmatn 33 without Latin letters (SIL Open Font License 1.1, beside it in
// assets).
//
//go:embed assets/vazirmatn.woff2
var Font []byte

// Theme is what a shop gives all its pages.
type Theme struct {
	Name, Logo string
	// Help is whom to ask; HelpURL is its address, if it is one.
	Help, HelpURL string

	// css is what the theme adds to the style.
	css string
}

// NewTheme makes one. prefix is the path of the shop where it shares its host.
func NewTheme(prefix, name, logo, color, support string) (*Theme, error) {
	t := &Theme{Name: name, Logo: prefixed(prefix, logo), Help: support}
	if u, err := url.Parse(support); err == nil {
		switch u.Scheme {
		case "https", "http", "mailto", "tel":
			t.HelpURL, t.Help = support, strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(u.Host+u.Opaque+u.Path, "//"), "www."), "/")
		}
	}
	if color != "" {
		on, err := onColor(color)
		if err != nil {
			return nil, err
		}
		t.css = ":root{--btn:#" + strings.TrimPrefix(color, "#") + ";--on:" + on + "}"
	}
	return t, nil
}

func prefixed(prefix, path string) string {
	if path == "" {
		return ""
	}
	return prefix + path
}

// CheckColor says what to write where a colour isn't one.
func CheckColor(color string) error {
	_, err := onColor(color)
	return err
}

// onColor returns the colour of letters on a button of this colour: the one of black and
// white that reads better (WCAG 2.2, relative luminance).
func onColor(color string) (string, error) {
	hex := strings.TrimPrefix(color, "#")
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil || len(hex) != 6 {
		return "", errors.New("it is no colour: write six hexadecimal digits, such as e67e22 or \"#e67e22\"")
	}
	light := 0.0
	for i, weight := range []float64{0.0722, 0.7152, 0.2126} {
		c := float64(n>>(8*i)&0xff) / 255
		light += weight * c * c // near enough to the curve of sRGB
	}
	if light > 0.18 {
		return "#000", nil
	}
	return "#fff", nil
}

// CheckLocal says what to write where a path of the site isn't one.
func CheckLocal(path string) error {
	if local(path) == "" || strings.ContainsAny(path, "()'\"<>") {
		return errors.New("it must be a path of the site, such as /logo.svg")
	}
	return nil
}
