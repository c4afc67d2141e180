package payment

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseMobile(t *testing.T) {
	const want = "09121234567"
	for _, s := range []string{
		"09121234567", "9121234567", "+989121234567", "00989121234567", "989121234567", "۰۹۱۲۱۲۳۴۵۶۷", "٠٩١٢١٢٣٤٥٦٧", "+۹۸ (۹۱۲) ۱۲۳-۴۵۶۷",
		" 0912 123 4567 ", "0912\u200c123\u200f4567", "0912-123–4567", "\u202a0912 1234567\u202c", "0912.123.4567",
	} {
		if got, err := ParseMobile(s); err != nil || got != want {
			t.Errorf("%q: %q, %v", s, got, err)
		}
	}
	for _, s := range []string{
		"", "0", "0912123456", "091212345678", "08121234567", "+491711234567", "+9809121234567", "0912123456a", "0912123456\n;x", "09121234567,09121234568",
		"++989121234567", "0098+9121234567", strings.Repeat(" ", 600) + want, strings.Repeat("9", 5000), "02112345678", "\x00" + want, "<b>" + want,
	} {
		if got, err := ParseMobile(s); err == nil {
			t.Errorf("%q is taken as %q", s, got)
		}
	}
}

func TestParseName(t *testing.T) {
	for s, want := range map[string]string{
		"Sara": "Sara", "  سارا   رضایی ": "سارا رضایی", "می\u200cنا": "می\u200cنا", "O'Brien-Núñez": "O'Brien-Núñez", "<b>x</b>": "<b>x</b>",
		strings.Repeat("ن", MaxName): strings.Repeat("ن", MaxName), strings.Repeat("ن", MaxName-1): strings.Repeat("ن", MaxName-1), "{env.HOME}": "{env.HOME}",
	} {
		if got, err := ParseName(s); err != nil || got != want {
			t.Errorf("%q: %q, %v", s, got, err)
		}
	}
	for _, s := range []string{"", " ", "123", "a\x00b", "a\u202eb", "a\ufeffb", "\xff", "\u200c", strings.Repeat("ن", MaxName+1), strings.Repeat("x", 1<<20)} {
		if got, err := ParseName(s); err == nil {
			t.Errorf("%.40q is taken as %.40q", s, got)
		}
	}
	if got, err := ParseName("a\nb\tc"); err != nil || got != "a b c" {
		t.Errorf("line breaks: %q, %v", got, err)
	}
}

func TestParseEmail(t *testing.T) {
	longest := "a@" + strings.Repeat("b", MaxEmail-6) + ".com"
	for _, s := range []string{"name@example.com", "a.b+c@sub.example.ir", longest, "o'brien@example.com"} {
		if got, err := ParseEmail(" " + s + " "); s != longest && (err != nil || got != s) {
			t.Errorf("%q: %q, %v", s, got, err)
		}
	}
	for _, s := range []string{
		"", "x", "@example.com", "a@", "a@localhost", "a@b@c.com", "Sara <a@b.com>", "a@b.com,c@d.com", "a b@c.com", "a@b.com\r\nBcc: c@d.com", "سارا@example.com",
		"a@b..com", "a" + longest, strings.Repeat("a", 1<<16) + "@b.com", "\"a b\"@c.com", "a@[127.0.0.1]",
	} {
		if got, err := ParseEmail(s); err == nil {
			t.Errorf("%.60q is taken as %.60q", s, got)
		}
	}
}

// What is read is read again as the same: it is compared with what is kept.
func TestBuyersWordsAreCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`[+0-9۰-۹ -]{8,20}`), rapid.StringMatching(`[a-z]{1,5}@[a-z]{1,5}\.[a-z]{2}`)).Draw(t, "s")
		for name, read := range map[string]func(string) (string, error){"name": ParseName, "mobile": ParseMobile, "email": ParseEmail} {
			if once, err := read(s); err == nil {
				if twice, err := read(once); err != nil || twice != once {
					t.Fatalf("%s: %q, then %q, %v", name, once, twice, err)
				}
			}
		}
	})
}

func TestBuyerIsNotPrinted(t *testing.T) {
	b := Buyer{Name: "Sara", Mobile: "09121234567", Email: "s@example.com"}
	for _, verb := range []string{"%v", "%s", "%+v"} {
		if got := fmt.Sprintf(verb, b); strings.Contains(got, "Sara") || strings.Contains(got, "0912") {
			t.Errorf("%s prints %s", verb, got)
		}
	}
}

// What is read of a field is bounded in bytes, spaces included: at the bound it is read, a
// byte more is refused.
func TestFieldsAreBounded(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		parse func(string) (string, error)
	}{
		"name": {"سارا", ParseName}, "mobile": {"09121234567", ParseMobile}, "email": {"name@example.com", ParseEmail},
	} {
		for _, n := range []int{len(c.text), maxWritten - 1, maxWritten, maxWritten + 1, 20 * maxWritten} {
			got, err := c.parse(c.text + strings.Repeat(" ", n-len(c.text)))
			if ok := err == nil && got == c.text; ok != (n <= maxWritten) {
				t.Errorf("%s of %d bytes: %q, %v", name, n, got, err)
			}
		}
	}
}
