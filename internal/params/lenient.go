package params

import (
	"slices"
	"strings"
	"unicode"
)

// LenientValues returns the different values that some reader finds by a name, as [Values]
// does, also those that no strict reader takes: with control characters, broken escapes
// or bytes that are not UTF-8, and longer ones, of which one blank and then what
// follows white space are returned, [MaxValue] bytes of it. A shop may cut or clean such a value to one that means
// something. all is false if there are more than are returned. Never give them to the
// shop.
func LenientValues(rawQuery string, body []byte, name string) (found []string, all bool) {
	folded := lower(fold(name))
	for _, text := range []string{rawQuery, string(body)} {
		if len(text) > MaxBytes {
			return found, false
		}
		for v := range spelt(text, folded) {
			value := loose(v)
			if len(value) > MaxValue {
				// One blank stays: it is another value than the same without.
				value = " " + strings.TrimLeftFunc(value, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) })
				value = value[:min(len(value), MaxValue)]
			}
			switch {
			case value == "" || slices.Contains(found, value):
			case len(found) == MostValues:
				return found, false
			default:
				found = append(found, value)
			}
		}
	}
	return found, true
}
