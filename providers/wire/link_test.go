package wire

import (
	"net/url"
	"strings"
	"testing"
)

func TestLink(t *testing.T) {
	for in, want := range map[string]string{
		"https://h/پرداخت?x=۱":    "https://h/%D9%BE%D8%B1%D8%AF%D8%A7%D8%AE%D8%AA?x=%DB%B1",
		"https://h/a%2Fb?c=%20#d": "https://h/a%2Fb?c=%20#d", "http://h:81/a b": "http://h:81/a%20b", "https://h/<\"{}": "https://h/%3C%22%7B%7D",
		"http://u:p@host/": "", "https://u@host/": "", "javascript:alert(1)": "", "//h/x": "", "": "", "https:///x": "", "https://پ.ir/": "", "https://h /": "",
	} {
		if got, ok := Link(in); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", in, got, ok)
		}
	}
}

// FuzzLink: what goes into a Location is ASCII and leads where it says.
func FuzzLink(f *testing.F) {
	f.Add("https://h/پ\r\nSet-Cookie: a")
	f.Fuzz(func(t *testing.T, s string) {
		link, ok := Link(s)
		if !ok {
			return
		}
		u, err := url.Parse(link)
		if err != nil || u.User != nil || u.Host == "" || strings.ContainsFunc(link, func(r rune) bool { return r <= 0x20 || r >= 0x7f }) {
			t.Errorf("%q: %q, %v", s, link, err)
		}
	})
}
