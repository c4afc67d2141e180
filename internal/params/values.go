package params

import (
	"iter"
	"slices"
	"strings"
)

// MostValues bounds how many values of one return are tried. Where [Values] finds as
// many there may be more.
const MostValues = 8

// Values returns the different values of a name in a query and a form, wherever any
// reader would find them: a strict or a lenient one, one that folds names as PHP does
// or ignores their case. They are what a return that does not read in one way may be
// about. Never give them to the shop.
func Values(rawQuery string, body []byte, name string) []string {
	var found []string
	folded := lower(fold(name))
	for _, text := range []string{rawQuery, string(body)} {
		if len(text) > MaxBytes {
			continue
		}
		for v := range spelt(text, folded) {
			if value, err := strict(name, v); err == nil && value != "" && !slices.Contains(found, value) {
				found = append(found, value)
			}
			if len(found) == MostValues {
				return found
			}
		}
	}
	return found
}

// spelt yields the raw values of all names in a query or form that some reader takes for
// the folded one.
func spelt(text, folded string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for raw := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '&' || r == '?' }) {
			n, v, ok := strings.Cut(strings.TrimPrefix(raw, entity), "=")
			if ok && lower(fold(loose(n))) == folded && !yield(v) {
				return
			}
		}
	}
}
