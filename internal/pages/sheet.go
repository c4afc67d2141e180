package pages

import (
	"html/template"
	"regexp"
	"strings"
	"sync"
)

// LangPath is where a site notes which language was chosen: a GET of LangPath + "fa" or
// LangPath + "en" sets the cookie.
//
// Our pages are there in both languages, and a link that needs no request changes between
// them: a page that answers a POST could not be asked for again. So that the choice
// outlives the page, which refreshes itself, sends a form or leads to the bank, the style
// of the chosen face names this address as a background. Browsers ask for it when the
// face is shown because it was chosen, and not before; it needs no JavaScript.
const LangPath = "/.payments/lang/"

// sheet is a style with its hash for the policy.
type sheet struct {
	css  template.CSS
	hash string
}

// sheetKey is what a style depends on.
type sheetKey struct {
	theme  *Theme
	assets string
}

var sheets struct {
	sync.RWMutex
	made map[sheetKey]sheet
}

// mostSheets bounds how many styles are kept; a request may choose Assets.
const mostSheets = 64

// plainPath is a path that means nothing else in a style or a policy.
var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9._~%-]+)+$`)

// sheetOf is the style of a page.
func sheetOf(p *Page) sheet {
	k := sheetKey{p.Theme, assetsOf(p)}
	sheets.RLock()
	s, ok := sheets.made[k]
	sheets.RUnlock()
	if ok {
		return s
	}
	text := strings.ReplaceAll(style, "url(/.payments/", "url("+k.assets+"/.payments/")
	if p.Theme != nil {
		text += p.Theme.css
	}
	s = sheet{template.CSS(text), hash(text)} //nolint:gosec // our own file, a plain path and six hexadecimal digits
	sheets.Lock()
	defer sheets.Unlock()
	if sheets.made == nil || len(sheets.made) >= mostSheets {
		sheets.made = make(map[sheetKey]sheet)
	}
	sheets.made[k] = s
	return s
}

// assetsOf is a page's Assets, or "" where they are no plain path.
func assetsOf(p *Page) string {
	if !plainPath.MatchString(p.Assets) || len(p.Assets) > 256 {
		return ""
	}
	return p.Assets
}
