package handlers

import (
	"slices"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/internal/params"
)

// Whatever stands around or in an id that shops take out of a text, the id is looked for.
func TestSpellingsOfDirtyText(t *testing.T) {
	t.Parallel()
	const id = "A000000000000000000000000000000012aB"
	for _, value := range []string{
		id + "\t", id + "\n", "\t" + id, "\x00" + id, id + "\x00", id + "\x00x", " \v" + id + "\u00a0", id + "\u0085",
		id + "<b>", "<i>" + id, id[:9] + "<!-- x -->" + id[9:], id + "<script", id[:9] + "%41" + id[9:], id + "\\", id + "'", id + "\xff",
		`"` + id + `"`, "{" + id + "}", id + "%00", id + strings.Repeat(" ", 900),
	} {
		if got := spellings(value); !slices.Contains(got, id) {
			t.Errorf("%q is read as %q", value, got)
		}
	}
	for _, value := range []string{
		"3714061849%zz", "3714061849\x01", "۳۷۱۴۰۶۱۸۴۹", "٣٧١٤٠٦١٨٤٩", "۳۷۱۴۰۶۱۸۴۹x", "37140 61849", "371-406-1849", "3714061849" + strings.Repeat("x", 900), "3714061849\xff",
	} {
		if got := spellings(value); !slices.Contains(got, "3714061849") {
			t.Errorf("%q is read as %q", value, got)
		}
	}
	for _, value := range []string{"", "12345", "\x00\x00", strings.Repeat("9", mostID+1), "<b>", "%41%42%43", id, "A1-b_2-C3-d4", strings.Repeat("0", mostID) + "1"} {
		if got := spellings(value); slices.ContainsFunc(got, func(s string) bool { return len(s) < leastID || len(s) > mostID }) {
			t.Errorf("%q is read as %q", value, got)
		}
	}
}

// Of whatever value, the request reaches the shop only if it is the id itself.
func TestEachSpellingIsFound(t *testing.T) {
	t.Parallel()
	const id = "A000000000000000000000000000000012AB"
	for _, raw := range []string{"+" + id, "%20" + id, id + "+", "%09" + id, id + "%09", "%00" + id, id + "%00", id + "%0a", strings.Repeat("+", 2*params.MaxValue) + id, id + strings.Repeat("+", 2*params.MaxValue), id + "%3cb", strings.ToLower(id)} {
		values, all := params.LenientValues("wc_order=2&Authority="+raw, nil, "Authority")
		if !all || !slices.ContainsFunc(values, func(v string) bool { return v != id && slices.Contains(spellings(v), id) }) {
			t.Errorf("%.60q is read as %.60q", raw, values)
		}
	}
	if got := spellings(id); slices.Contains(got, id) {
		t.Errorf("the id itself is taken for another spelling: %q", got)
	}
}

// Digits of every script are those of ASCII.
func TestLatinDigits(t *testing.T) {
	for text, want := range map[string]string{
		"۷۵": "75", "٧٥": "75", "７５": "75", "𝟕𝟓𝟟𝟝": "7575", "७५": "75", "৯०": "90", "𞥗": "7", "²": "²", "Ⅷ": "Ⅷ", "a1۰": "a10",
	} {
		if got := strings.Map(latinDigit, text); got != want {
			t.Errorf("%s is %s, not %s", text, got, want)
		}
	}
}
