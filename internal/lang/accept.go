package lang

import (
	"net/http"
	"strconv"
	"strings"
)

// Of is Persian or English, whichever Accept-Language prefers; where it asks
// for neither, Persian, unless it refuses that alone.
func Of(r *http.Request) Lang {
	best, bestQ := FA, 0.0
	persianRefused, englishNamed := false, false
	for _, line := range r.Header["Accept-Language"] {
		for item := range strings.SplitSeq(line, ",") {
			tag, args, _ := strings.Cut(item, ";")
			tag, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
			l := Lang(tag)
			if l != FA && l != EN {
				continue
			}
			q := Quality(args)
			persianRefused = persianRefused || l == FA && q == 0
			englishNamed = englishNamed || l == EN
			if q > bestQ {
				best, bestQ = l, q
			}
		}
	}
	if bestQ == 0 && persianRefused && !englishNamed {
		return EN
	}
	return best
}

// Quality reads ";q=…"; what can't be read counts as nothing.
func Quality(args string) float64 {
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
