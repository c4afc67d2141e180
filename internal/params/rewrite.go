package params

import (
	"net/url"
	"strings"
)

// Rewrite gives query and body in which each guarded parameter that set names
// has that value wherever it stood; with an empty value it is gone. What was
// absent is not added, names that are not guarded are left alone. Separators
// that PHP does not know become "&", and a ";" in a guarded value is escaped,
// because some readers end the value there. All other bytes are as they came.
func (s *Set) Rewrite(set map[string]string) (rawQuery string, body []byte, changed bool) {
	rawQuery = s.query.rewrite(set)
	text := s.body.rewrite(set)
	return rawQuery, []byte(text), rawQuery != s.query.text || text != s.body.text
}

func (src *source) rewrite(set map[string]string) string {
	if len(src.parts) == 0 || !src.touched(set) {
		return src.text
	}
	var b strings.Builder
	b.Grow(len(src.text) + 64)
	at, cut := 0, false
	for i := range src.parts {
		p := &src.parts[i]
		gap := separators(src.text[at:p.start], cut)
		at, cut = p.end, false
		value, named := set[p.name]
		named = named && p.name != ""
		switch {
		case named && value == "":
			// The separator before goes too; at the start the one behind.
			if gap == "" {
				cut = b.Len() == 0
			} else {
				gap = gap[:len(gap)-1]
			}
			b.WriteString(gap)
		case !named && p.halved(src.text):
			value = p.read
			fallthrough
		case named && (value != p.read || p.halved(src.text)):
			b.WriteString(gap)
			b.WriteString(src.text[p.start:p.value])
			b.WriteString(url.QueryEscape(value))
		default:
			b.WriteString(gap)
			b.WriteString(src.text[p.start:p.end])
		}
	}
	b.WriteString(separators(src.text[at:], cut))
	return b.String()
}

// touched reports whether anything changes at all.
func (src *source) touched(set map[string]string) bool {
	at := 0
	for i := range src.parts {
		p := &src.parts[i]
		if gap := src.text[at:p.start]; strings.Trim(gap, "&") != "" {
			return true
		}
		at = p.end
		if value, named := set[p.name]; named && p.name != "" && (value == "" || value != p.read) {
			return true
		}
		if p.halved(src.text) {
			return true
		}
	}
	return strings.Trim(src.text[at:], "&") != ""
}

// halved reports a guarded value that a reader which splits at ";" would cut.
func (p *part) halved(text string) bool {
	return p.name != "" && strings.IndexByte(text[p.value:p.end], ';') >= 0
}

// separators gives what lies between two parts as PHP knows it, less the first
// one if cut.
func separators(gap string, cut bool) string {
	n := strings.Count(gap, "&") + strings.Count(gap, "?")
	if cut && n > 0 {
		n--
	}
	if n <= len(ampersands) {
		return ampersands[:n]
	}
	return strings.Repeat("&", n)
}

const ampersands = "&&&&&&&&"
