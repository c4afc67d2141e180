package packed

import "testing"

// FuzzText: every text lies in the store in one form and comes back as it was;
// what this module can't have written is an error, not another text.
func FuzzText(f *testing.F) {
	for _, s := range []string{"d2e353189823079e1e4181772cff5292", "0012345678", "123456789012345678", "\x01ab", "\x02", "سفارش", "12345678", "ABCDEF12"} {
		f.Add(s, appendText(nil, s))
	}
	f.Fuzz(func(t *testing.T, s string, b []byte) {
		if s != "" {
			if got, ok := unpackText(appendText(nil, s)); !ok || got != s {
				t.Fatalf("%q became %q", s, got)
			}
		}
		if got, ok := unpackText(b); ok && got != "" {
			if again, ok := unpackText(appendText(nil, got)); !ok || again != got {
				t.Fatalf("%x is %q, then %q", b, got, again)
			}
		}
	})
}
