package handlers

import (
	"math/rand/v2"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/fileserver"
)

// gate returns what a require of one pattern takes.
func gate(t testing.TB, pattern string, index []string) func(target string) bool {
	t.Helper()
	f := newPathFilter([]string{pattern})
	if err := f.matcher.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	g := newResource(f, []string{pattern}, index)
	return func(target string) bool {
		r := asking(t, target)
		return g.takes(r, needsMatcher(r.URL.Path))
	}
}

// However a path comes to a directory, the gate of the directory's index takes it: the path is
// walked here, segment by segment, as file systems and servers do.
func TestEveryWayToADirectoryIsGuarded(t *testing.T) {
	segments := []string{"m", "M", "x", "free", ".", "..", "%2e", "%2E%2e", ".%2e", "..%20", "..;", "..%00", "x.", "x;y", "", "a.b", "%6d"}
	rng := rand.New(rand.NewPCG(11, 5))
	guards := map[string]func(string) bool{}
	for _, pattern := range []string{"/m/index.html", "/m/index.php", "/m/*.html", "/m/index.*", "/m/*", "/M/Index.html"} {
		guards[pattern] = gate(t, pattern, nil)
	}
	there := 0
	for range 20_000 {
		target := ""
		for range 1 + rng.IntN(6) {
			target += "/" + segments[rng.IntN(len(segments))]
		}
		if !walksTo(t, target, "/m") {
			continue
		}
		there++
		for pattern, takes := range guards {
			if !takes(target) {
				t.Fatalf("require %s does not take %s", pattern, target)
			}
		}
	}
	if there < 100 {
		t.Errorf("only %d paths led there", there)
	}
}

// A router that compares prefixes resolves no dots: of whatever begins with a directory it serves
// the directory's pages. It reads the address as it came, or decoded.
func TestARouterThatResolvesNothingIsGuarded(t *testing.T) {
	segments := []string{"m", "M", "m", "x", "index.html", ".", "..", "%2e", "%2E%2e", ".%2e", "..%2f..", "..;", "..%20", "...", ".x", "", "a.b", "%6d", "index.php"}
	rng := rand.New(rand.NewPCG(12, 5))
	guards := map[string]func(string) bool{"/m/": gate(t, "/m/*", nil), "/m": gate(t, "/m", nil), "/m/index.html/": gate(t, "/m/index.html", nil), "/m/x/": gate(t, "/m/x/*", nil)}
	there := 0
	for range 50_000 {
		target := ""
		for range 1 + rng.IntN(6) {
			target += "/" + segments[rng.IntN(len(segments))]
		}
		decoded, err := url.PathUnescape(target)
		if err != nil {
			t.Fatal(err)
		}
		for prefix, takes := range guards {
			for _, p := range []string{target, decoded} {
				if !strings.HasPrefix(strings.ToLower(p)+"/", prefix) || prefix == "/m" && !strings.HasPrefix(strings.ToLower(p)+"/", "/m/") {
					continue
				}
				if there++; !takes(target) {
					t.Fatalf("the gate of %s does not take %s", prefix, target)
				}
			}
		}
	}
	if there < 1000 {
		t.Errorf("only %d paths led there", there)
	}
}

// walksTo walks a path by its segments; what a reader may cut off a segment is cut off.
func walksTo(t *testing.T, target, dir string) bool {
	t.Helper()
	p, err := url.PathUnescape(target)
	if err != nil {
		t.Fatal(err)
	}
	p, _, _ = strings.Cut(p, "\x00")
	var at []string
	for _, s := range strings.Split(p, "/") {
		s, _, _ = strings.Cut(s, ";")
		switch s = strings.TrimRight(s, " "); s {
		case "", ".":
		case "..":
			at = at[:max(len(at)-1, 0)]
		default:
			at = append(at, strings.TrimRight(s, "."))
		}
	}
	return strings.EqualFold("/"+strings.Join(at, "/"), dir)
}

// An index may lie below the directory that it stands for.
func TestAnIndexFurtherDown(t *testing.T) {
	server := &caddyhttp.Server{Routes: caddyhttp.RouteList{{Handlers: []caddyhttp.MiddlewareHandler{&caddyhttp.Subroute{Routes: caddyhttp.RouteList{
		{
			Handlers:    []caddyhttp.MiddlewareHandler{&fileserver.FileServer{IndexNames: []string{"docs/Readme.html", "/start.html", "../up.html", "./a//b.html", "{http.request.host}.html", ""}}},
			MatcherSets: caddyhttp.MatcherSets{{&fileserver.MatchFile{TryFiles: []string{"{http.request.uri.path}", "{http.request.uri.path}/pages/home.html", "{http.request.uri.path}/x.html", "fixed.html"}}}},
		},
	}}}}}}
	names := indexNames(server)
	want := append(slices.Clone(defaultIndex), "pages/home.html", "x.html", "docs/readme.html", "start.html", "up.html", "a/b.html")
	if !slices.Equal(names, want) {
		t.Fatalf("names %q, want %q", names, want)
	}
	for _, name := range names {
		for _, dir := range []string{"/", "/c/", "/c/d/"} {
			for _, pattern := range []string{dir + name, path.Clean(dir+path.Dir(name)) + "/*" + path.Ext(name)} {
				pattern = strings.ReplaceAll(pattern, "//", "/")
				takes := gate(t, pattern, names)
				for _, target := range []string{dir, strings.TrimSuffix(dir, "/"), dir + "x/..", "//" + strings.TrimPrefix(dir, "/")} {
					if target != "" && !takes(target) {
						t.Errorf("require %s, index %s: %s is free", pattern, name, target)
					}
				}
				if takes("/other/") && dir != "/" {
					t.Errorf("require %s takes /other/", pattern)
				}
			}
		}
	}
}

// However many scripts a path has, the readings of it are few, and the last one is there.
func TestReadingsAreFew(t *testing.T) {
	for _, scripts := range []int{0, 1, 2, mostScripts - 1, mostScripts, mostScripts + 1, 10_000} {
		all := readings(strings.Repeat("/a.php", scripts) + "/book.pdf")
		if !slices.Contains(all, "/book.pdf") || len(all) > 2*mostScripts+2 {
			t.Errorf("%d scripts: %d readings", scripts, len(all))
		}
	}
	takes := gate(t, "/m/*.html", nil)
	for length, want := range map[int]bool{longest - 1: false, longest: false, longest + 1: true, 20 * longest: true} {
		if got := takes("/A" + strings.Repeat("x", length-2)); got != want {
			t.Errorf("a path of %d bytes is taken: %v", length, got)
		}
	}
}
