package track

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rahgir/caddy-payments/payment"
)

const (
	param = "track_id"
	id    = "Ab3_-xyz"
)

func TestFind(t *testing.T) {
	pattern, err := ParsePattern("")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		uri, id, rest string
		viaPath, ok   bool
	}{
		{"/?track_id=" + id, id, "/", false, true},
		{"/product-2?a=1&track_id=" + id + "&b=2", id, "/product-2", false, true},
		{"/product-2/track_id=" + id, id, "/product-2", true, true},
		{"/product-2/track_id=" + id + "?a=1", id, "/product-2", true, true},
		{"/track_id=" + id, id, "/", true, true},
		{"/a%2Fb/track_id=" + id, id, "/a/b", true, true},
		{"/?track_id=Ab3%5F%2Dxyz", id, "/", false, true},
		// Not exactly once.
		{"/?track_id=" + id + "&track_id=" + id, "", "/", false, false},
		{"/?track_id=" + id + "&track_id=other123", "", "/", false, false},
		{"/x/track_id=" + id + "?track_id=" + id, "", "/x/track_id=" + id, false, false},
		// Not an id.
		{"/?track_id=", "", "/", false, false},
		{"/?track_id=short", "", "/", false, false},
		{"/?track_id=" + strings.Repeat("a", 129), "", "/", false, false},
		{"/?track_id=abc%0adefghi", "", "/", false, false},
		{"/?track_id=abcdefgh%0a", "", "/", false, false},
		{"/?track_id=abcdefgh%zz", "", "/", false, false},
		{"/?track_id=abcdefgh+", "", "/", false, false},
		{"/x/track_id=no", "", "/x/track_id=no", false, false},
		{"/x/track_id=" + id + "/", "", "/x/track_id=" + id + "/", false, false},
		// Not there.
		{"/", "", "/", false, false},
		{"/?xtrack_id=" + id, "", "/", false, false},
		{"/?track_idx=" + id, "", "/", false, false},
		{"/?Track_Id=" + id, "", "/", false, false},
		{"/?track_id", "", "/", false, false},
		{"/?a=track_id=" + id, "", "/", false, false},
		{"/track_id=" + id + "/x", "", "/track_id=" + id + "/x", false, false},
		{"/xtrack_id=" + id, "", "/xtrack_id=" + id, false, false},
	} {
		u, err := url.ParseRequestURI(c.uri)
		if err != nil {
			t.Fatal(err)
		}
		gotID, rest, viaPath, ok := Find(u, param, pattern)
		if gotID != c.id || rest != c.rest || viaPath != c.viaPath || ok != c.ok {
			t.Errorf("%s: %q %q %v %v", c.uri, gotID, rest, viaPath, ok)
		}
		if ok && !MightCarry(&http.Request{URL: u}, param) {
			t.Errorf("%s: the first look misses it", c.uri)
		}
	}
}

func TestParsePattern(t *testing.T) {
	for s, good := range map[string]bool{"": true, "[0-9]+": true, "a|ab": true, "(": false, "a)|(?:b": false} {
		re, err := ParsePattern(s)
		if (err == nil) != good {
			t.Errorf("%q: %v", s, err)
		}
		if err == nil && re.MatchString("x"+"ab"+"\n") {
			t.Errorf("%q fits in the middle", s)
		}
	}
	re, _ := ParsePattern("a|ab")
	if !re.MatchString("ab") {
		t.Error("an alternative that comes second does not fit")
	}
	long, _ := ParsePattern("(?s).*")
	for _, odd := range []string{"a%0ab", "a%20b", "a+b", "%7f", "%C3%A9"} {
		if _, _, _, ok := Find(&url.URL{Path: "/", RawQuery: "track_id=" + odd}, param, long); ok {
			t.Errorf("%s was taken", odd)
		}
	}
	if _, _, _, ok := Find(&url.URL{Path: "/", RawQuery: "track_id=" + strings.Repeat("a", MaxID+1)}, param, long); ok {
		t.Error("an endless id was taken")
	}
}

// The default is looked at byte by byte, and says what its expression says.
func TestDefaultPatternIsItsExpression(t *testing.T) {
	ours, err := ParsePattern(DefaultPattern)
	if err != nil || ours.re != nil {
		t.Fatalf("%v, %v", ours, err)
	}
	theirs := regexp.MustCompile(`\A(?:` + DefaultPattern + `)\z`)
	ids := []string{"", strings.Repeat("a", 7), strings.Repeat("Z", 8), strings.Repeat("9", 128), strings.Repeat("-", 129), "a1b2c3d4\n", "شناسه-ی-من"}
	for c := range 256 {
		ids = append(ids, "a1b2c3d"+string([]byte{byte(c)}), string([]byte{byte(c)})+"1b2c3d4")
	}
	for _, id := range ids {
		if ours.MatchString(id) != theirs.MatchString(id) {
			t.Errorf("%q: %v", id, ours.MatchString(id))
		}
	}
}

func TestStrip(t *testing.T) {
	for _, c := range []struct{ uri, want string }{
		{"/product-2/track_id=" + id + "?a=1", "/product-2?a=1"},
		{"/track_id=" + id, "/"},
		{"/a%2Fb/track_id=" + id, "/a%2Fb"},
		{"/%D8%A7/track_id=" + id, "/%D8%A7"},
		{"/a%2Ftrack_id=" + id, "/a"},
		{"/a/track_id=" + id + "%2F", "/a/track_id=" + id + "%2F"},
		{"/a?track_id=" + id, "/a?track_id=" + id},
	} {
		u, err := url.ParseRequestURI(c.uri)
		if err != nil {
			t.Fatal(err)
		}
		Strip(u, param)
		if got := u.RequestURI(); got != c.want {
			t.Errorf("%s: %s, want %s", c.uri, got, c.want)
		}
	}
}

// TestStripProperty: what Find says is left is what Strip leaves.
func TestStripProperty(t *testing.T) {
	pattern, _ := ParsePattern("")
	segment := rapid.SampledFrom([]string{"", "a", "%2F", "%41", "a%2Fb", "%D8%A7", "track_id=abcdefgh", "track_id%3Dabcdefgh", "a=b", "..", "a+b"})
	rapid.Check(t, func(t *rapid.T) {
		uri := "/" + strings.Join(rapid.SliceOfN(segment, 0, 4).Draw(t, "path"), "/")
		u, err := url.ParseRequestURI(uri)
		if err != nil {
			t.Skip()
		}
		_, rest, viaPath, ok := Find(u, param, pattern)
		if !ok || !viaPath {
			return
		}
		Strip(u, param)
		again, err := url.ParseRequestURI(u.RequestURI())
		if err != nil || u.Path != rest || again.Path != rest {
			t.Fatalf("%s: left %q, said %q, on the wire %q (%v)", uri, u.Path, rest, u.RequestURI(), err)
		}
	})
}

func TestTopLevelGET(t *testing.T) {
	for _, c := range []struct {
		method string
		header []string
		want   bool
	}{
		{"GET", nil, true},
		{"GET", []string{"Sec-Fetch-Dest", "document", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "cross-site"}, true},
		{"HEAD", nil, false}, {"POST", nil, false}, {"get", nil, false},
		{"GET", []string{"Sec-Fetch-Dest", "image"}, false},
		{"GET", []string{"Sec-Fetch-Dest", "iframe", "Sec-Fetch-Mode", "navigate"}, false},
		{"GET", []string{"Sec-Fetch-Dest", "empty", "Sec-Fetch-Mode", "cors"}, false},
		{"GET", []string{"Sec-Fetch-Mode", "no-cors"}, false},
		{"GET", []string{"Sec-Purpose", "prefetch"}, false},
		{"GET", []string{"Sec-Purpose", "prefetch;prerender"}, false},
		{"GET", []string{"Purpose", "prefetch"}, false},
		{"GET", []string{"X-Moz", "prefetch"}, false},
		{"GET", []string{"X-Purpose", "preview"}, false},
		{"GET", []string{"Range", "bytes=0-"}, false},
	} {
		h := http.Header{}
		for i := 0; i < len(c.header); i += 2 {
			h.Add(c.header[i], c.header[i+1])
		}
		if got := TopLevelGET(&http.Request{Method: c.method, Header: h}); got != c.want {
			t.Errorf("%s %v: %v", c.method, c.header, got)
		}
	}
	if !Prefetched(&http.Request{Header: http.Header{"Sec-Purpose": {"prefetch"}}}) || Prefetched(&http.Request{}) {
		t.Error("prefetched")
	}
}

func TestNoAllocations(t *testing.T) {
	u, _ := url.Parse("https://shop.test/catalogue/shoes/42?colour=red&size=43")
	r := &http.Request{Method: "GET", URL: u, Header: http.Header{"Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Mode": {"navigate"}}}
	if n := testing.AllocsPerRun(100, func() { _ = MightCarry(r, param) || !TopLevelGET(r) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestAttribution(t *testing.T) {
	older := &payment.Track{ID: "older123", At: time.Unix(1, 0)}
	visit := payment.Track{ID: "newer123", At: time.Unix(2, 0)}
	for _, c := range []struct {
		a    Attribution
		old  *payment.Track
		want string
		keep bool
	}{
		{Last, nil, "newer123", true}, {Last, older, "newer123", true},
		{First, nil, "newer123", true}, {First, older, "older123", false}, {First, &payment.Track{}, "newer123", true},
	} {
		if got, keep := c.a.Merge(c.old, visit); got.ID != c.want || keep != c.keep {
			t.Errorf("%s %v: %s %v", c.a, c.old, got.ID, keep)
		}
	}
	for s, good := range map[string]bool{"": true, "last": true, "first": true, "Last": false, "both": false} {
		if a, err := ParseAttribution(s); (err == nil) != good || (good && a == "") {
			t.Errorf("%q: %q %v", s, a, err)
		}
	}
}

func BenchmarkMightCarry(b *testing.B) {
	u, _ := url.Parse("https://shop.test/catalogue/shoes/42?colour=red&size=43")
	r := &http.Request{URL: u}
	b.ReportAllocs()
	for b.Loop() {
		MightCarry(r, param)
	}
}
