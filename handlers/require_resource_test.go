package handlers

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// asking is a request as a server makes it of a target on the wire.
func asking(t testing.TB, target string) *http.Request {
	t.Helper()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.URL, r.RequestURI = u, target
	return caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), nil)
}

// A gate guards the resource, not a spelling of it.
func TestWhatARequireTakes(t *testing.T) {
	for pattern, paths := range map[string]struct{ taken, free []string }{
		"/book.pdf": {
			taken: []string{"/book.pdf", "/BOOK.PDF", "/book.pdf/", "/book.pdf%2f", "/book.pdf%2F", "/book.pdf/x", "/book.pdf.gz", "/book.pdf.br", "/book.pdf.", "/book.pdf%20", "/book.pdf;x=1",
				"//book.pdf", "/./book.pdf", "/x/../book.pdf", "/%62ook.pdf", "/book.pdf%00x", "/book.pdf%252f", "/book%252epdf", `/book.pdf%5c`, "/;x/book.pdf", "/index.php/book.pdf", "/a.php/b.php/book.pdf"},
			free: []string{"/book.pdfx", "/book.pd", "/book", "/", "/a/book.pdf", "/xbook.pdf", "/book-pdf", "/book.pdf2/x"},
		},
		"/lesson.html": {
			taken: []string{"/lesson.html", "/lesson", "/lesson/", "/Lesson", "/lesson.html.gz", "/lesson.html/x", "//lesson"},
			free:  []string{"/lessons", "/lesson-2", "/less", "/lesson/x"},
		},
		"/paid.php": {
			taken: []string{"/paid.php/..", "/paid.php/../x", "/x/paid.php/paid.php/../x", "/x.php/../paid.php", "/paid.php/..%20", "/paid.php", "/paid.php/", "/paid.php/x", "/paid.php%2f", "/paid.php%2fx", "/paid", "/paid/x", "/paid.php.", "/paid.PHP/x"},
			free:  []string{"/paid.phpx", "/paid2.php", "/", "/x.php"},
		},
		"/course/*": {
			taken: []string{"/course", "/course/", "/Course", "/course/a/b.pdf", "/course%2fa", "//course//a", "/x/..%2fcourse/a", "/index.php/course/a", "/index.php/course", "/index.php/course/b.php/x", "/course;a/b"},
			free:  []string{"/courses", "/course2/a", "/", "/cours"},
		},
		"/course": {
			taken: []string{"/course", "/course/", "/course/a", "/course.html", "/course.html.gz"},
			free:  []string{"/courses", "/cour"},
		},
		"/a/index.html": {
			taken: []string{"/a/index.html", "/a/", "/a", "/A/", "/a/index", "/a/index.html.gz", "/a//", "/a/x/..", "/a/x/../", "/a/.", "/a/x/%2e%2e", "/a/x/..;", "/a/x/..%20", "/a/..%20", "/a/x/..%00", `/a/x%5c..`, "/a/x/y/../..", "/a/%252e"},
			free:  []string{"/a/b", "/", "/a.html", "/ab/", "/a/..", "/a/../", "/a/x/../.."},
		},
		"/index.php": {taken: []string{"/", "/index.php", "/index.php/x", "/index", "//"}, free: []string{"/a", "/a/"}},
		"*.pdf": {
			taken: []string{"/book.pdf", "/a/book.PDF", "/book.pdf/", "/book.pdf%2f", "/book.pdf.gz", "/book.pdf/x", "/book.pdf;x", "/index.php/book.pdf"},
			free:  []string{"/book", "/book.pd", "/book.pdfx", "/a.pdfs/b", "/", "/logo.png"},
		},
		"/next.js/*.html": {taken: []string{"/next.js", "/next.js/", "/next.js/x/.."}, free: []string{"/next", "/next.js.map", "/"}},
		"/m/*.html":       {taken: []string{"/m", "/m/", "/m/x/..", "/m/x/%2e%2e", "/m/a"}, free: []string{"/m/..", "/n"}},
		"/*.html":         {taken: []string{"/", "/x/..", "/a.html", "/a", "/a.html/", "/a.html.gz"}, free: []string{"/logo.png", "/x.htm"}},
		"*.html":          {taken: []string{"/", "/a/b.html", "/a/b", "/a/"}, free: []string{"/logo.png", "/a/x.css"}},
		"/m?mbers/*.txt": {
			taken: []string{"/members/a.txt", "/members/a.txt/", "/members/a.txt.gz", "/members/index.txt", "/members/"},
			free:  []string{"/members/a.md", "/member/a.txt"},
		},
		"/*":     {taken: []string{"/", "/a", "/a/b"}},
		"/vip*":  {taken: []string{"/vip", "/vip-1/x", "/vip/"}, free: []string{"/vi", "/", "/a/vip"}},
		"/":      {taken: []string{"/"}, free: []string{"/a", "/a/"}},
		"/a%2fb": {taken: []string{"/a%2fb"}, free: []string{"/c"}},
	} {
		f := newPathFilter([]string{pattern})
		if err := f.matcher.Provision(caddy.Context{}); err != nil {
			t.Fatal(err)
		}
		g := newResource(f, []string{pattern}, nil)
		check := func(path string, want bool) {
			r := asking(t, path)
			if got := g.takes(r, needsMatcher(r.URL.Path)); got != want {
				t.Errorf("require %s takes %s: %v", pattern, path, got)
			}
			if f.match(r) && !want {
				t.Errorf("%s: Caddy's own matcher takes %s", pattern, path)
			}
		}
		for _, path := range paths.taken {
			check(path, true)
		}
		for _, path := range paths.free {
			check(path, false)
		}
	}
}

// What Caddy's own matcher takes, a require takes.
func FuzzResource(f *testing.F) {
	for _, pattern := range []string{"/book.pdf", "/course/*", "*.pdf", "/a/index.html", "/*.html", "/x?/[ab]*", "*/m/*", "/a%2fb", "/", "*"} {
		for _, path := range []string{"/book.pdf", "/book.pdf/", "/course", "/a/", "/a.b;c/d.php/book.pdf", "/%2e%2e/x", "/A//B", "/\\course\\x"} {
			f.Add(pattern, path)
		}
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		filter := newPathFilter([]string{pattern})
		if filter.matcher.Provision(caddy.Context{}) != nil {
			return
		}
		g := newResource(filter, []string{pattern}, nil)
		r := unasked(&url.URL{Path: path})
		needs := needsMatcher(path)
		if filter.matchAs(r, needs) && !g.takes(r, needs) {
			t.Fatalf("require %q does not take %q", pattern, path)
		}
	})
}

func BenchmarkResource(b *testing.B) {
	patterns := []string{"/download/*", "/book.pdf", "/*.zip", "/lesson.html"}
	f := newPathFilter(patterns)
	if err := f.matcher.Provision(caddy.Context{}); err != nil {
		b.Fatal(err)
	}
	g := newResource(f, patterns, nil)
	r := asking(b, "/product/mug.html?colour=blue")
	b.ReportAllocs()
	for b.Loop() {
		if g.takes(r, needsMatcher(r.URL.Path)) {
			b.Fatal("taken")
		}
	}
}
