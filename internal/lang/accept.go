package lang

import (
	"iter"
	"net/http"
	"strconv"
	"strings"
)

// Of is Persian or English, whichever Accept-Language prefers; where it asks
// for neither, Persian, unless it refuses that alone.
func Of(r *http.Request) Lang {
	best, bestQ := FA, 0.0
	persianRefused, englishNamed := false, false
	for tag, q := range Preferences(r.Header["Accept-Language"]) {
		l, ok := Parse(tag)
		if !ok {
			continue
		}
		persianRefused = persianRefused || l == FA && q == 0
		englishNamed = englishNamed || l == EN
		if q > bestQ {
			best, bestQ = l, q
		}
	}
	if bestQ == 0 && persianRefused && !englishNamed {
		return EN
	}
	return best
}

// Preferences yields what the lines of an Accept header name, in lower case, and how much
// each is wanted.
func Preferences(lines []string) iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		for _, line := range lines {
			for item := range strings.SplitSeq(line, ",") {
				name, args, _ := strings.Cut(item, ";")
				if !yield(strings.ToLower(strings.TrimSpace(name)), quality(args)) {
					return
				}
			}
		}
	}
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
