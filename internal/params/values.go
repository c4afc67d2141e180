package params

import (
	"slices"
	"strings"
)

// mostValues bounds how many values of one return are tried.
const mostValues = 8

// Values returns the different values of a name in a query and a form, wherever a
// strict or a lenient reader would find them: of a return that does not read in
// one way, what it may be about. Never give them to the shop.
func Values(rawQuery string, body []byte, name string) []string {
	var found []string
	for _, text := range []string{rawQuery, string(body)} {
		if len(text) > MaxBytes {
			continue
		}
		for raw := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '&' || r == '?' }) {
			n, v, ok := strings.Cut(strings.TrimPrefix(raw, entity), "=")
			if !ok || loose(n) != name {
				continue
			}
			if value, err := strict(name, v); err == nil && value != "" && !slices.Contains(found, value) {
				found = append(found, value)
			}
			if len(found) == mostValues {
				return found
			}
		}
	}
	return found
}
