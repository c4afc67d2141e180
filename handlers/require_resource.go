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
	// dirs are the directories whose index the path is, with their slashes.
	dirs []string
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
	for _, name := range g.index { // a name may lie further down: docs/readme.html
		if dir, ok := strings.CutSuffix(s.path, "/"+name); ok {
			s.dirs = append(s.dirs, dir+"/")
		}
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
	for _, dir := range s.dirs {
		if p == dir || len(p) == len(dir)-1 && strings.HasPrefix(dir, p) {
			return true
		}
	}
	return s.path == "" && p == "/"
}

// boundary ends the name of a file where more may follow: path info, another
// extension, a parameter of the path.
func boundary(c byte) bool { return c == '/' || c == '.' || c == ';' || c == ' ' || c == 0 }

// longest is how long the path of a file may be, on every system. A longer one is taken where
// patterns have wildcards: a stranger must not choose how long we compare.
const longest = 4096

// mostScripts is how many readings are taken apart further: of scripts below scripts the first
// ones and the last count.
const mostScripts = 16

// slowly looks at everything that a path may stand for, one by one.
func (g *resource) slowly(p string) bool {
	if countless(p) {
		return true
	}
	for _, base := range readings(p) {
		for i := range g.exact {
			if g.exact[i].takes(base) {
				return true
			}
		}
		if len(g.globs) == 0 {
			continue
		}
		if len(base) > longest {
			return true
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
	if trimmed == base && file(last) && !g.directory(base) {
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

// directory reports whether a pattern says that a path is a directory, however its name looks.
func (g *resource) directory(p string) bool {
	return slices.ContainsFunc(g.globs, func(glob globbed) bool {
		rest, ok := strings.CutPrefix(glob.stem, p)
		return ok && strings.HasPrefix(rest, "/")
	})
}

// file reports whether a name says itself what kind of file it is: such a path
// is neither a directory nor short for another name.
func file(name string) bool {
	ext := path.Ext(name)
	return len(ext) > 1 && (ext[1] < '0' || ext[1] > '9')
}

// readings returns the paths that a path may be read as: cleaned and folded, without
// parameters of its segments, decoded once more, what stands before dots, what follows .php, and
// what follows a host's name.
//
// Invariants: whatever is cut off a path, its last ".." too has led to the directory above before,
// so one of the readings names the directory that a reader gets who resolves dots first. Another
// one names the directory of a reader who resolves none, as routers do that compare an address
// prefix by prefix.
func readings(p string) []string {
	texts := []string{p}
	if strings.Contains(p, "%") {
		if again, err := url.PathUnescape(p); err == nil {
			texts = append(texts, again)
		}
	}
	if strings.Contains(p, ";") {
		var b strings.Builder
		for segment := range strings.SplitSeq(p, "/") {
			segment, _, _ = strings.Cut(segment, ";")
			b.WriteString("/" + segment)
		}
		texts = append(texts, b.String())
	}
	for _, text := range texts { // not of what is appended
		texts = append(texts, afterHost(text)...)
	}
	all := make([]string, 0, len(texts))
	add := func(reading string) {
		if !slices.Contains(all, reading) {
			all = append(all, reading)
		}
	}
	for _, text := range texts {
		text = lowered(text)
		add(cleaned(text))
		if at := dots(text); at >= 0 {
			add(cleaned(text[:at]) + unresolved)
		}
		add(cleaned(cut(text, true)))
		add(cleaned(cut(text, false)))
		// What follows a script is passed on to it before anybody resolves dots in it. Readers
		// take the first script, or the last.
		for _, at := range []int{strings.Index(text, ".php/"), strings.LastIndex(text, ".php/")} {
			if at += len(".php"); at >= len(".php") && strings.Contains(text[at:], "/.") {
				add(cleaned(text[:at]) + text[at:])
				add(cleaned(text[at:]))
			}
		}
	}
	for _, base := range all {
		if at := strings.LastIndex(base, ".php/"); at >= 0 {
			add(base[at+len(".php"):])
		}
	}
	for i := 0; i < min(len(all), mostScripts); i++ { // what is appended is looked at, too
		if at := strings.Index(all[i], ".php/"); at >= 0 {
			all = append(all, all[i][at+len(".php"):])
		}
	}
	return all
}

// mostHosts is how many ends of a name are tried; a path with more is taken.
const mostHosts = 16

// afterHost returns what may follow a host's name in a path that begins with two slashes: shops
// that ask PHP's parse_url, Python's urlparse or a browser's URL for the path of their request
// take what follows them for a host. Each slash may end its name, because the one that does was not
// escaped, and nobody can tell that any more.
func afterHost(p string) (rests []string) {
	slash := func(c byte) bool { return c == '/' || c == '\\' }
	if !hosted(p) {
		return nil
	}
	for p != "" && slash(p[0]) { // a browser's URL skips all of them
		p = p[1:]
	}
	rests = []string{"/"}
	for i := 0; i < len(p) && len(rests) <= mostHosts; i++ {
		if slash(p[i]) {
			rests = append(rests, p[i:])
		}
	}
	return rests
}

// hosted reports whether a path begins as an address with a host does.
func hosted(p string) bool {
	return len(p) > 1 && (p[0] == '/' || p[0] == '\\') && (p[1] == '/' || p[1] == '\\')
}

// countless reports whether a path may be read in too many ways.
func countless(p string) bool {
	return hosted(p) && strings.Count(p, "/")+strings.Count(p, `\`)+strings.Count(strings.ToLower(p), "%2f")+strings.Count(strings.ToLower(p), "%5c") > mostHosts
}

// unresolved stands for whatever follows dots that nobody resolved: a page of no known name.
const unresolved = ".unresolved"

// dots returns where the first segment is that a reader may resolve, else -1.
func dots(p string) int {
	for at := 0; ; {
		i := strings.Index(p[at:], "/.")
		if i < 0 {
			return -1
		}
		at += i + 1
		if rest := strings.TrimPrefix(p[at+1:], "."); rest == "" || rest[0] == '/' {
			return at
		}
	}
}

// folded returns a path as the most forgiving reader sees it. A last slash stays.
func folded(p string) string { return cleaned(cut(lowered(p), true)) }

// lowered is a path without what readers of it need not tell apart.
func lowered(p string) string {
	p = strings.ReplaceAll(strings.ToLower(p), `\`, "/")
	if i := strings.IndexByte(p, 0); i >= 0 {
		p = p[:i]
	}
	return p
}

// cut takes the spaces and dots off the ends of segments, as some systems do when they open a file.
// Such a system may take ".. " for the directory above: climbs says that it does.
func cut(p string, climbs bool) string {
	if !strings.ContainsAny(p, " .") {
		return p
	}
	segments := strings.Split(p, "/")
	for i, s := range segments {
		if bare := strings.TrimRight(s, " "); s == "." || s == ".." || climbs && (bare == "." || bare == "..") {
			segments[i] = bare
			continue
		}
		segments[i] = strings.TrimRight(s, " .")
	}
	return strings.Join(segments, "/")
}

// cleaned resolves a path's dots and doubled slashes. A path that ends in dots names a directory, so
// it ends with a slash then.
func cleaned(p string) string {
	clean := caddyhttp.CleanPath("/"+p, true)
	if name := p[strings.LastIndexByte(p, '/')+1:]; (name == "." || name == "..") && !strings.HasSuffix(clean, "/") {
		clean += "/"
	}
	return clean
}
