package track

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// FuzzFind: an id is taken only where it stands exactly once and has the form
// that was asked for; what is left is a part of the path that came.
func FuzzFind(f *testing.F) {
	for _, uri := range []string{"/product?track_id=abcdefgh", "/p/track_id=abcdefgh", "/a%2Fb/track_id=abcdefgh?x=1", "/?track_id=abcdefgh&track_id=abcdefgh", "/track_id=abc%0adefgh", "//track_id=abcdefgh", "/../track_id=abcdefgh"} {
		f.Add(uri)
	}
	pattern, err := ParsePattern("")
	if err != nil {
		f.Fatal(err)
	}
	form := regexp.MustCompile(`\A[A-Za-z0-9_-]{8,128}\z`)
	f.Fuzz(func(t *testing.T, uri string) {
		u, err := url.ParseRequestURI(uri)
		if err != nil || u.Path == "" || u.Path[0] != '/' {
			return
		}
		id, rest, viaPath, ok := Find(u, param, pattern)
		if !ok {
			if id != "" || rest != u.Path || viaPath {
				t.Fatalf("%q: %q %q %v", uri, id, rest, viaPath)
			}
			return
		}
		n := 0
		for pair := range strings.SplitSeq(u.RawQuery, "&") {
			if strings.HasPrefix(pair, param+"=") && pair != param+"=" {
				n++
			}
		}
		if last := u.Path[strings.LastIndexByte(u.Path, '/')+1:]; strings.HasPrefix(last, param+"=") && last != param+"=" {
			n++
		}
		if !form.MatchString(id) || n != 1 || !MightCarry(&http.Request{URL: u}, param) {
			t.Fatalf("%q: %q, %d times", uri, id, n)
		}
		if !viaPath {
			return
		}
		if rest == "" || rest[0] != '/' || !strings.HasPrefix(u.Path, rest) {
			t.Fatalf("%q leads to %q", uri, rest)
		}
		was := u.Path
		Strip(u, param)
		again, err := url.ParseRequestURI(u.EscapedPath())
		if err != nil || u.Path != rest || again.Path != rest {
			t.Fatalf("%q: left %q of %q, said %q (%v)", uri, u.Path, was, rest, err)
		}
	})
}
