package handlers

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// provisioned is a route's match as the configuration has it.
func provisioned(t *testing.T, paths ...string) *Match {
	t.Helper()
	m := &Match{Paths: paths}
	if err := m.provision(caddy.Context{}); err != nil {
		t.Fatalf("%q: %v", paths, err)
	}
	return m
}

// However a pattern and a request are escaped, a route written with escapes takes what the plain
// one takes.
func TestAnEscapedPatternMeansThePlainOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(22, 24))
	letters := []string{"a", "B", "z", "9", "د", "و", "é", " ", "+", ",", "&", "@", "~", "-", "_", ".", "!", "'", "(", ")", ";", ":", "=", "$", "#", "|", "^", "\""}
	escaped := func(text string, all bool) string {
		var b strings.Builder
		for _, c := range []byte(text) {
			switch must := c >= 0x80 || strings.IndexByte(" #\"|^", c) >= 0; {
			case c == '/' || c == '*', !must && !all && rng.IntN(3) > 0:
				b.WriteByte(c)
			default:
				format := "%%%02X"
				if rng.IntN(2) == 0 {
					format = "%%%02x"
				}
				fmt.Fprintf(&b, format, c)
			}
		}
		return b.String()
	}
	for range 3000 {
		path := "/"
		for range 1 + rng.IntN(4) {
			path += letters[rng.IntN(len(letters))]
		}
		path += "x" // a name's last dot or space is another matter
		for pattern, below := range map[string]string{path: "", path + "/*": "/x.html", path + ".php": ".php"} {
			if strings.HasSuffix(pattern, ".php") {
				below = ""
			}
			written := escaped(pattern, rng.IntN(2) == 0)
			m := provisioned(t, written)
			if got := m.plain()[0]; got != pattern {
				t.Fatalf("%s is read as %s, want %s", written, got, pattern)
			}
			if m.Paths[0] != written {
				t.Fatalf("%s became %s: links and signatures have it as written", written, m.Paths[0])
			}
			g := newResource(m.filter, m.plain(), nil)
			asked := strings.TrimSuffix(pattern, "/*") + below
			for _, target := range []string{escaped(asked, false), escaped(asked, true), (&url.URL{Path: asked}).EscapedPath(), "/" + escaped(asked, false), escaped(asked, false) + "/"} {
				r := asking(t, target)
				if needs := needsMatcher(r.URL.Path); !g.takes(r, needs) {
					t.Fatalf("require %s (%s) leaves %s free", written, pattern, target)
				} else if m.relates(r, needs) != exactly {
					t.Fatalf("verify %s (%s) lets %s pass", written, pattern, target)
				}
			}
		}
	}
}

// A pattern that could be read in two ways, or never, is refused, with what to write instead.
func TestPatternsThatAreRefused(t *testing.T) {
	for pattern, want := range map[string]string{
		"/a%2Fb": "stands for '/'", "/a%2fb/*": "write '/' if", "/a%2A": "stands for '*'", "/a%3F": "stands for '?'", "/%5Ba%5D": "stands for '['", "/a%5D": "stands for ']'", "/a%5Cb": `stands for '\'`,
		"/a%7Bb": "stands for '{'", "/a%25b": "stands for '%'", "/a%252fb": "stands for '%'", "/%*": "begins no escape", "/50%": "path_regexp", "/a%zz": "begins no escape", "/a%2": "begins no escape",
		"/a%00": "control character", "/a%0Ab": "control character", "/a%7f": "control character", "/%D8": "no UTF-8", "/%ff/*": "no UTF-8",
		"//dl/*": "write '/dl/*'", "/a//b": "write '/a/b'", "/a/../b": "write '/b'", "/a/./b/": "write '/a/b/'", "/%2e%2E/b": "write '/b'", "/a/%2E": "write '/a'",
	} {
		if _, err := Plain(pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", pattern, err, want)
		}
		if err := (&Match{Paths: []string{"/ok", pattern}}).provision(caddy.Context{}); err == nil {
			t.Errorf("%s is taken from JSON", pattern)
		}
	}
	for pattern, want := range map[string]string{
		"*": "*", "*.php": "*.php", "/": "/", "/*": "/*", "/a": "/a", "/a/": "/a/", "/a.b/..c": "/a.b/..c", "/x*y": "/x*y", "/[ab]": "/[ab]", "/دوره/*": "/دوره/*",
		"/%D8%AF": "/د", "/%d8%af": "/د", "/c%2B%2B/*": "/c++/*", "/c%23": "/c#", "/a%20b": "/a b", "/%64l/*": "/dl/*", "/%41": "/A",
	} {
		if got, err := Plain(pattern); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", pattern, got, err, want)
		}
	}
}

// FuzzPlain: what is accepted has no escape left, and is accepted again as it is.
func FuzzPlain(f *testing.F) {
	for _, pattern := range []string{"/a%2Bb/*", "/%D8%AF", "/a%252fb", "/%", "//a", "/a/../b", "*.php", "/a%5Bb]"} {
		f.Add(pattern)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		plain, err := Plain(pattern)
		if err != nil {
			return
		}
		again, err := Plain(plain)
		if strings.Contains(plain, "%") || err != nil || again != plain {
			t.Fatalf("%q is read as %q, and that as %q, %v", pattern, plain, again, err)
		}
	})
}
