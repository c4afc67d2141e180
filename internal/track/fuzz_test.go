package track

import (
	"net/url"
	"regexp"
	"testing"
)

// FuzzFind: an id is taken only in the form that was asked for, and no form of
// a link is left in a path.
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
		was := u.Path
		taken := Take(u, param)
		id, ok := Find(u.RawQuery, taken, param, pattern)
		if ok != (id != "") || ok && !form.MatchString(id) {
			t.Fatalf("%q: %q %v", uri, id, ok)
		}
		if ok && taken == nil && !MightCarry(u.RawQuery, param) {
			t.Fatalf("%q: the first look misses it", uri)
		}
		if u.Path == "" || u.Path[0] != '/' || len(u.Path) > len(was) {
			t.Fatalf("%q leads to %q", uri, u.Path)
		}
		again, err := url.ParseRequestURI(u.EscapedPath())
		if err != nil || again.Path != u.Path {
			t.Fatalf("%q: left %q (%v)", uri, u.Path, err)
		}
		if Take(u, param) != nil {
			t.Fatalf("%q: a form is left in %q", uri, u.Path)
		}
	})
}
