package pages

import (
	"net/http"
	"strconv"
	"strings"
)

// Lang is a language that we speak.
type Lang string

// The languages.
const (
	Persian Lang = "fa"
	English Lang = "en"
)

// dir is the direction of writing.
func (l Lang) dir() string {
	if l == English {
		return "ltr"
	}
	return "rtl"
}

// other is the language of the short version below.
func (l Lang) other() Lang {
	if l == English {
		return Persian
	}
	return English
}

// Language is Persian or English, whichever Accept-Language prefers; where it asks
// for neither, Persian, unless it refuses that alone.
func Language(r *http.Request) Lang {
	best, bestQ := Persian, 0.0
	persianRefused, englishNamed := false, false
	for _, line := range r.Header["Accept-Language"] {
		for item := range strings.SplitSeq(line, ",") {
			tag, args, _ := strings.Cut(item, ";")
			tag, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
			l := Lang(tag)
			if l != Persian && l != English {
				continue
			}
			q := quality(args)
			persianRefused = persianRefused || l == Persian && q == 0
			englishNamed = englishNamed || l == English
			if q > bestQ {
				best, bestQ = l, q
			}
		}
	}
	if bestQ == 0 && persianRefused && !englishNamed {
		return English
	}
	return best
}

// quality reads ";q=…"; what can't be read counts as nothing.
func quality(args string) float64 {
	for arg := range strings.SplitSeq(args, ";") {
		if v, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(arg)), "q="); ok {
			q, err := strconv.ParseFloat(v, 64)
			if err != nil || !(q >= 0 && q <= 1) {
				return 0
			}
			return q
		}
	}
	return 1
}
