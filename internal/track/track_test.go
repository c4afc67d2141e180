package track

import (
	"cmp"
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
		ok            bool
	}{
		{"/?track_id=" + id, id, "/", true},
		{"/product-2?a=1&track_id=" + id + "&b=2", id, "/product-2", true},
		{"/product-2/track_id=" + id, id, "/product-2", true},
		{"/product-2/track_id=" + id + "?a=1", id, "/product-2", true},
		{"/product-2/track_id=" + id + "/", id, "/product-2", true},
		{"/product-2//track_id=" + id, id, "/product-2/", true},
		{"/a/track_id=" + id + "/b", id, "/a/b", true},
		{"/track_id=" + id + "/b", id, "/b", true},
		{"/track_id=" + id, id, "/", true},
		{"/track_id=" + id + "/", id, "/", true},
		{"/a%2Fb/track_id=" + id, id, "/a/b", true},
		{"/?track_id=Ab3%5F%2Dxyz", id, "/", true},
		// As small networks make links.
		{"/p?a=1?track_id=" + id, id, "/p", true},
		{"/p?a=1&amp;track_id=" + id, id, "/p", true},
		{"/p?amp;track_id=" + id, id, "/p", true},
		{"/p?a=1&amp;amp;track_id=" + id + "?b", "", "/p", false},
		{"/p?track_id=" + id + "&track_id=" + id, id, "/p", true},
		{"/p?track_id=" + id + "?track_id=" + id, id, "/p", true},
		{"/x/track_id=" + id + "?track_id=" + id, id, "/x", true},
		{"/x/track_id=" + id + "/track_id=" + id, id, "/x", true},
		{"/p?a=b?c=d&track_id=" + id, id, "/p", true},
		// Two that differ.
		{"/?track_id=" + id + "&track_id=other123", "", "/", false},
		{"/x/track_id=" + id + "?track_id=other123", "", "/x", false},
		{"/x/track_id=" + id + "/track_id=other123", "", "/x", false},
		// Not an id.
		{"/?track_id=", "", "/", false},
		{"/?track_id=short", "", "/", false},
		{"/?track_id=" + strings.Repeat("a", 129), "", "/", false},
		{"/?track_id=abc%0adefghi", "", "/", false},
		{"/?track_id=abcdefgh%0a", "", "/", false},
		{"/?track_id=abcdefgh%zz", "", "/", false},
		{"/?track_id=abcdefgh+", "", "/", false},
		{"/x/track_id=no", "", "/x", false},
		// Not there.
		{"/", "", "/", false},
		{"/?xtrack_id=" + id, "", "/", false},
		{"/?track_idx=" + id, "", "/", false},
		{"/?Track_Id=" + id, "", "/", false},
		{"/?track_id", "", "/", false},
		{"/?a=track_id=" + id, "", "/", false},
		{"/xtrack_id=" + id, "", "/xtrack_id=" + id, false},
		{"/a/track_id=", "", "/a", false},
	} {
		u, err := url.ParseRequestURI(c.uri)
		if err != nil {
			t.Fatal(err)
		}
		taken := Take(u, param)
		gotID, ok := Find(u.RawQuery, taken, param, pattern)
		if gotID != c.id || u.Path != c.rest || ok != c.ok {
			t.Errorf("%s: %q %q %v", c.uri, gotID, u.Path, ok)
		}
		if ok && taken == nil && !MightCarry(u.RawQuery, param) {
			t.Errorf("%s: the first look misses it", c.uri)
		}
	}
}

// A gateway's return is no visit, however much it looks like one.
func TestFromGateway(t *testing.T) {
	for query, want := range map[string]bool{
		"status=10&track_id=8963685786&id=d2e353189823079e1e4181772cff5292&order_id=101": true,
		"Authority=A0000&Status=OK":                        true,
		"success=1&status=2&trackId=99&orderId=5":          true,
		"wc-api=bank&x=1?status=100&order_id=7&track_id=5": true,
		"a=1&amp;status=10&amp;order_id=5&amp;track_id=55": true,
		// Whole returns of gateways that need not be configured here.
		"track_id=abcdefgh&status=1&token=abcdefghijkl":                                  true,
		"status=1&data=%7B%22paymentCode%22%3A%22abc%22%7D&track_id=abcdefgh":            true,
		"success=1&status=2&trackId=1234567890&track_id=abcdefgh":                        true,
		"trans_id=7c5f9a1e-1b1a-4e5e&order_id=5&amount=1000&track_id=abcdefgh":           true,
		"code=12&refid=34&clientrefid=5&cardnumber=6037&track_id=abcdefgh":               true,
		"token=ABCDEFGHIJKL&payment_status=OK&track_id=abcdefgh":                         true,
		"price=1000&request_id=5&result_code=0&payment_uid=x&track_id=abcdefgh":          true,
		"result=SUCCESS&trackingCode=5&providerId=7&amount=1000&rrn=5&track_id=abcdefgh": true,
		"State=OK&RefNum=x&ResNum=5&track_id=abcdefgh":                                   true,
		"track_id=abcdefgh&token=abc":                                                    false,
		"track_id=abcdefgh&state=tehran&city=5":                                          false,
		"track_id=abcdefgh&code=SUMMER&utm_medium=x":                                     false,

		"track_id=abcdefgh":                            false,
		"track_id=abcdefgh&utm_source=x&id=43":         false,
		"track_id=abcdefgh&status=instock&order=price": false,
		"order_id=5&track_id=abcdefgh":                 false,
		"":                                             false,
	} {
		if got := FromGateway(query); got != want {
			t.Errorf("%s: %v", query, got)
		}
	}
}

// A segment may go on behind the id. What follows is cut off where no id of the pattern
// can have it, and nothing is taken where it may be a part of the id.
func TestWhatFollowsAnID(t *testing.T) {
	most := strings.Repeat("a", 128)
	for _, c := range []struct{ pattern, segment, query, id string }{
		{"", id + "&x=1", "", id},
		{"", id + "&amp;x=1", "", id},
		{"", id + "&", "", id},
		{"", id + ";x", "", id},
		{"", id + ";jsessionid=1&x", "", id},
		{"", id + "%26x=1", "", id},
		{"", id + "%3Fx=1", "", id},
		{"", id + "%20", "", id},
		{"", id + "%20of%20ours", "", id},
		{"", id + ".html", "", id},
		{"", id + ".html&x=1", "", id},
		{"", id + ".html/", "", id},
		{"", id + "&x=1/", "", id},
		{"", most + "&x=1", "", most},
		{"", most + ".html", "", most},
		{"[0-9]{10}", "1234567890.html", "", "1234567890"},
		{"[0-9]{10}|K(?:[a-z]+)", "Kabc;x", "", "Kabc"},
		// The same again is one, another is none.
		{"", id + "&track_id=" + id, "", id},
		{"", id + "&x=1", "track_id=" + id, id},
		{"", id + "&track_id=other123", "", ""},
		{"", id + "&x=1;track_id=other123", "", ""},
		{"", id + "&track_id=" + id + "&track_id=other123", "", ""},
		{"", id + "&x=1", "track_id=other123", ""},
		{"", id + "&x=1/track_id=other123", "", ""},
		// What stands before the end is no id: too short, too long, of other letters.
		{"", "short&xyz=12345", "", ""},
		{"", "short.html", "", ""},
		{"", most + "a&x=1", "", ""},
		{"", most + "a.html", "", ""},
		{"", "&x=12345678", "", ""},
		{"[0-9]{10}", "12345678901&x", "", ""},
		// Another ending may be a part of an id whose letters nobody has promised; a line
		// break is no link's; and one .html is a page's.
		{"", id + ".htm", "", ""},
		{"", id + ".v2", "", ""},
		{"", id + ",x", "", ""},
		{"", id + "%23x", "", ""},
		{"", id + "%0a", "", ""},
		{"", id + ".html.html", "", ""},
		// A pattern with that character: it may be the id's own.
		{"[a-z.]{8}", "abcdefgh.html", "", ""},
		{"[a-z.]{8,20}", "abcdefgh.html", "", "abcdefgh.html"},
		{"[a-z&]{8}", "abcdefgh&x", "", ""},
		{"[a-z&]{8}", "abcdefg&;x", "", "abcdefg&"},
		{".{8}", "abcdefgh&x", "", ""},
		{".{8}", "abcdefgh%20", "", ""},
		{"[^&]{8}", "abcdefgh;x", "", ""},
		{"[^&]{8}", "abcdefgh&x", "", "abcdefgh"},
		{"(?i)[a-z]{4}(;[a-z]{3}){1,2}", "abcd;efg;hijk", "", ""},
	} {
		u, err := url.ParseRequestURI("/p/track_id=" + c.segment + "?" + c.query)
		if err != nil {
			t.Fatal(err)
		}
		pattern, err := ParsePattern(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		taken := Take(u, param)
		if got, ok := Find(u.RawQuery, taken, param, pattern); got != c.id || ok != (c.id != "") || u.Path != "/p" {
			t.Errorf("%q: %s?%s: %q %v, %s", c.pattern, c.segment, c.query, got, ok, u.Path)
		}
	}
}

// However a segment goes on, what is taken begins it, fits, and ends where no id goes on.
func TestNoPartOfALongerIDIsTaken(t *testing.T) {
	part := rapid.SampledFrom([]string{"a", "bcdefghi", id, "&", ";", "?", " ", ".html", ".", "=", "track_id=", "x", "/"})
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom([]string{"", "[a-z.]{8,12}", "[a-z;]{8}", "[^ ]{8}", ".{9}", "[A-Za-z0-9_-]{8}"}).Draw(t, "pattern")
		pattern, err := ParsePattern(text)
		if err != nil {
			t.Fatal(err)
		}
		value := strings.Join(rapid.SliceOfN(part, 1, 5).Draw(t, "value"), "")
		got, ok := Find("", []string{value}, param, pattern)
		if !ok {
			return
		}
		rest, begins := strings.CutPrefix(value, got)
		if !begins || !pattern.MatchString(got) {
			t.Fatalf("%q of %q", got, value)
		}
		if rest == "" {
			return
		}
		behind := strings.TrimPrefix(rest, page)
		if behind != "" && !strings.Contains("&;? ", behind[:1]) {
			t.Fatalf("%q is cut out of %q", got, value)
		}
		longer := regexp.MustCompile(cmp.Or(text, DefaultPattern))
		for i := range rest {
			if longer.FindString(got+rest[:i+1]) == got+rest[:i+1] {
				t.Fatalf("%q of %q: a longer one fits", got, value)
			}
		}
	})
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
		if _, ok := Find("track_id="+odd, nil, param, long); ok {
			t.Errorf("%s was taken", odd)
		}
	}
	if _, ok := Find("track_id="+strings.Repeat("a", MaxID+1), nil, param, long); ok {
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

func TestTake(t *testing.T) {
	for _, c := range []struct{ uri, want string }{
		{"/product-2/track_id=" + id + "?a=1", "/product-2?a=1"},
		{"/track_id=" + id, "/"},
		{"/a%2Fb/track_id=" + id, "/a%2Fb"},
		{"/%D8%A7/track_id=" + id, "/%D8%A7"},
		{"/a%2Ftrack_id=" + id, "/a"},
		{"/a/track_id=" + id + "%2F", "/a"},
		{"/a/track_id%3D" + id + "/b%2fc", "/a/b%2fc"},
		{"/a?track_id=" + id, "/a?track_id=" + id},
	} {
		u, err := url.ParseRequestURI(c.uri)
		if err != nil {
			t.Fatal(err)
		}
		Take(u, param)
		if got := u.RequestURI(); got != c.want {
			t.Errorf("%s: %s, want %s", c.uri, got, c.want)
		}
	}
}

// However a path is made, no form is left in it, what is left is a path, all
// readers see the same one, and a path without a form is as it came.
func TestTakeProperty(t *testing.T) {
	segment := rapid.SampledFrom([]string{"", "a", "%2F", "%41", "a%2Fb", "%D8%A7", "track_id=abcdefgh", "track_id%3Dabcdefgh", "track_id=", "xtrack_id=1", "a=b", "..", "a+b", "%", "%2f/track_id=x%2f"})
	rapid.Check(t, func(t *rapid.T) {
		uri := "/" + strings.Join(rapid.SliceOfN(segment, 0, 5).Draw(t, "path"), "/")
		u, err := url.ParseRequestURI(uri)
		if err != nil {
			t.Skip()
		}
		was := *u
		values := Take(u, param)
		if values == nil && *u != was {
			t.Fatalf("%s became %s", uri, u.RequestURI())
		}
		again, err := url.ParseRequestURI(u.RequestURI())
		if err != nil || again.Path != u.Path || u.Path[0] != '/' {
			t.Fatalf("%s: left %q, on the wire %q (%v)", uri, u.Path, u.RequestURI(), err)
		}
		for s := range strings.SplitSeq(u.Path, "/") {
			if _, found := strings.CutPrefix(s, param+"="); found {
				t.Fatalf("%s: %q is left", uri, u.Path)
			}
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
	if n := testing.AllocsPerRun(100, func() {
		_ = Take(u, param) != nil || MightCarry(u.RawQuery, param) || !TopLevelGET(r) || FromGateway(u.RawQuery)
	}); n != 0 {
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
	b.ReportAllocs()
	for b.Loop() {
		MightCarry(u.RawQuery, param)
	}
}
