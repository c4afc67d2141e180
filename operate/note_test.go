package operate

import (
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

// A note that nobody can see is none: a decision would have a reason on record that isn't
// there.
func TestAnInvisibleNoteIsNone(t *testing.T) {
	for _, blank := range []string{
		"", " \t\n", "\u200b\u202e", "\u00a0\u3000", "\u2066\u2069", "\u00ad", "\ufeff", "\u200c\u200d", "\u034f\ufe0f", "\u0301", "\u115f\u3164\uffa0", "\u2800",
		"\U000e0061", "\ue000", "\xff\xfe", strings.Repeat("\u200b", 400),
	} {
		if got := Note(blank); got != "" {
			t.Errorf("%+q is kept as %+q", blank, got)
		}
	}
	for _, seen := range []string{"x", "?", "پ", "می\u200cخواهد", "1", "👍🏽", "line\nline", "é"} {
		if got := Note(seen); got != seen {
			t.Errorf("%+q is kept as %+q", seen, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		blank := rapid.StringOf(rapid.RuneFrom(nil, unicode.Cf, unicode.Zs, unicode.Cc, unicode.Mn)).Draw(t, "blank")
		if got := Note(blank); got != "" {
			t.Fatalf("%+q is kept as %+q", blank, got)
		}
		if got := Note(blank + "a" + blank); !strings.Contains(got, "a") {
			t.Fatalf("%+q has an a", got)
		}
	})
}
