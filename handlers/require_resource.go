package handlers

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// defaultIndex has the names of the files by which a directory is served if the site says
// nothing else.
var defaultIndex = []string{"index.html", "index.txt", "index.php"}

// dropped has the extensions that a site may leave out of its addresses.
var dropped = []string{".html", ".htm", ".php"}

// resource tells whether a path is another spelling of what its patterns name, as file
// servers, try_files, PHP and the shop's router may read it.
//
// Invariant: a pattern P covers P, P/, P/…, P.…, P without .html, .htm or .php, the directory
// whose index P is, what follows .php as a path of its own, and for P/* also P. It allocates
// nothing for plain paths and patterns.
type resource struct {
	filter pathFilter
	index  []string
	exact  []spelling
	globs  []globbed
	root   bool // what "/" is: most requests of many sites
}

// spelling is a pattern without wildcards, in lower case.
type spelling struct {
	path string
	// bare is the path without the extension, if that may be left out, else "".
	bare string
	php  bool
	// dir is the directory whose index the path is, with its slash, else "".
	dir string
}

// globbed is a pattern with wildcards. It covers no path that begins with another text or, if
// the pattern ends with plain text, does not contain that text.
type globbed struct {
	stem, suffix string
	// bare: a path without its extension, or a directory, could match.
	bare bool
}

func newResource(f pathFilter, patterns, index []string) resource {
	if len(index) == 0 {
		index = defaultIndex
	}
	g := resource{filter: f, index: index}
	for _, p := range patterns {
		low := strings.ToLower(p)
		star := strings.IndexAny(low, "*?[\\%{")
		switch {
		case star < 0:
			g.exact = append(g.exact, g.spelling(low))
		case low[star] == '*' && !strings.ContainsAny(low[star+1:], "*?[\\%{"):
			g.globs = append(g.globs, globbed{stem: low[:star], suffix: low[star+1:], bare: g.leftOut(low[star+1:])})
		case low[star] == '*' || low[star] == '?' || low[star] == '[':
			g.globs = append(g.globs, globbed{stem: low[:star], bare: true})
		default:
			g.globs = append(g.globs, globbed{bare: true})
		}
	}
	g.root = len(patterns) > 0 && g.slowly("/")
	return g
}

func (g *resource) spelling(low string) spelling {
	s := spelling{path: strings.TrimRight(low, "/")}
	for _, ext := range dropped {
		if bare, ok := strings.CutSuffix(s.path, ext); ok && !strings.HasSuffix(bare, "/") {
			s.bare, s.php = bare, ext == ".php"
		}
	}
	dir, name := path.Split(s.path)
	if slices.Contains(g.index, name) {
		s.dir = dir
	}
	return s
}

// leftOut reports whether a suffix is one that addresses may leave out.
func (g *resource) leftOut(suffix string) bool {
	if suffix == "" {
		return true
	}
	for _, name := range append(slices.Clone(dropped), g.index...) {
		if strings.HasSuffix(name, suffix) || strings.HasSuffix(suffix, name) {
			return true
		}
	}
	return false
}

// takes reports whether the resource includes a request; needsMatcher is of its path.
func (g *resource) takes(r *http.Request, needsMatcher bool) bool {
	if len(g.filter.matcher) == 0 {
		return false
	}
	p := r.URL.Path
	if !needsMatcher && p == "/" {
		return g.root
	}
	if !needsMatcher && !strings.Contains(p, ".php/") && !strings.Contains(p, ";") {
		if ok, sure := g.plainly(p); sure {
			return ok
		}
	}
	return g.filter.matchAs(r, needsMatcher) || g.slowly(p)
}

// plainly answers without Caddy's matcher, for a path that needs none; sure is false where only the
// slow way knows it.
func (g *resource) plainly(p string) (ok, sure bool) {
	for i := range g.exact {
		if g.exact[i].takes(p) {
			return true, true
		}
	}
	for i := range g.globs {
		glob := &g.globs[i]
		switch {
		case !strings.HasPrefix(p, glob.stem) && !strings.HasPrefix(glob.stem, p):
		case glob.bare || strings.Contains(p, glob.suffix):
			return false, false
		}
	}
	return false, true
}

// takes compares a plain path.
func (s *spelling) takes(p string) bool {
	if rest, ok := strings.CutPrefix(p, s.path); ok && s.path != "" && (rest == "" || boundary(rest[0])) {
		return true
	}
	if s.bare != "" {
		if rest, ok := strings.CutPrefix(p, s.bare); ok && (rest == "" || rest == "/" || s.php && rest[0] == '/') {
			return true
		}
	}
	return s.dir != "" && (p == s.dir || len(p) == len(s.dir)-1 && strings.HasPrefix(s.dir, p)) || s.path == "" && p == "/"
}

// boundary ends the name of a file where more may follow: path info, another
// extension, a parameter of the path.
func boundary(c byte) bool { return c == '/' || c == '.' || c == ';' || c == ' ' || c == 0 }

// slowly looks at everything that a path may stand for, one by one.
func (g *resource) slowly(p string) bool {
	for _, base := range readings(p) {
		for i := range g.exact {
			if g.exact[i].takes(base) {
				return true
			}
		}
		if len(g.globs) == 0 {
			continue
		}
		if slices.ContainsFunc(g.candidates(base), g.filter.matchPath) {
			return true
		}
	}
	return false
}

// candidates returns the files that a reading may be served from, for patterns with
// wildcards.
func (g *resource) candidates(base string) []string {
	trimmed := strings.TrimRight(base, "/")
	all := []string{base, trimmed + "/"}
	for i := 1; i < len(base); i++ {
		if boundary(base[i]) && base[i-1] != '/' {
			all = append(all, base[:i])
		}
	}
	last := trimmed[strings.LastIndexByte(trimmed, '/')+1:]
	if trimmed == base && file(last) {
		return all
	}
	for _, name := range g.index {
		all = append(all, trimmed+"/"+name)
	}
	if last != "" {
		for _, ext := range dropped {
			all = append(all, trimmed+ext)
		}
	}
	return all
}

// file reports whether a name says itself what kind of file it is: such a path
// is neither a directory nor short for another name.
func file(name string) bool {
	ext := path.Ext(name)
	return len(ext) > 1 && (ext[1] < '0' || ext[1] > '9')
}

// readings returns the paths that a path may be read as: cleaned and folded, without
// parameters of its segments, decoded once more, and what follows .php.
func readings(p string) []string {
	all := []string{folded(p)}
	if strings.Contains(p, "%") {
		if again, err := url.PathUnescape(p); err == nil {
			all = append(all, folded(again))
		}
	}
	if strings.Contains(p, ";") {
		var b strings.Builder
		for segment := range strings.SplitSeq(p, "/") {
			segment, _, _ = strings.Cut(segment, ";")
			b.WriteString("/" + segment)
		}
		all = append(all, folded(b.String()))
	}
	for i := 0; i < len(all); i++ { // what is appended is looked at, too
		if at := strings.Index(all[i], ".php/"); at >= 0 {
			all = append(all, all[i][at+len(".php"):])
		}
	}
	return all
}

// folded returns a path as the most forgiving reader sees it. A last slash stays.
func folded(p string) string {
	p = strings.ReplaceAll(strings.ToLower(p), `\`, "/")
	if i := strings.IndexByte(p, 0); i >= 0 {
		p = p[:i]
	}
	p = strings.TrimRight(p, " .")
	return caddyhttp.CleanPath("/"+p, true)
}
