package params

import (
	"fmt"
	"strings"
)

// Names are the guarded names of one route, made once.
type Names struct {
	// folded leads from PHP's reading of a name to the name.
	folded   map[string]string
	prefixes []string
}

// NewNames makes a set of names. One that ends in "*" guards all that begin
// with it. Of two that PHP reads as one the first is meant; the other is
// refused where it occurs.
func NewNames(names ...string) *Names {
	n := &Names{folded: make(map[string]string, len(names))}
	for _, name := range names {
		if p, ok := strings.CutSuffix(name, "*"); ok {
			if p != "" {
				n.prefixes = append(n.prefixes, fold(p))
			}
			continue
		}
		if f := fold(name); name != "" {
			if _, taken := n.folded[f]; !taken {
				n.folded[f] = name
			}
		}
	}
	return n
}

// Guards reports whether a name, spelt exactly so, is guarded.
func (n *Names) Guards(name string) bool {
	guarded, err := n.match(name)
	return err == nil && guarded != ""
}

// longest is the longest name that a prefix lets through.
const longest = 64

// match returns the guarded name that a decoded name is, "" for one of the
// shop's own, or an error for one that PHP would take for a guarded one.
func (n *Names) match(name string) (string, error) {
	if n == nil {
		return "", nil
	}
	f := fold(name)
	if guarded, ok := n.folded[f]; ok {
		if guarded != name {
			return "", fmt.Errorf("%w: a name that reads as %s", ErrAmbiguous, guarded)
		}
		return guarded, nil
	}
	for _, p := range n.prefixes {
		if !strings.HasPrefix(f, p) {
			continue
		}
		if f != name || len(name) > longest || !plain(name) {
			return "", fmt.Errorf("%w: a name that reads as %s*", ErrAmbiguous, p)
		}
		return name, nil
	}
	return "", nil
}

// plain reports whether a name is made of letters, digits, "_" and "-".
func plain(name string) bool {
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// fold gives the name of the variable that PHP makes of a decoded name: cut at
// a NUL, leading spaces gone, spaces and dots as underscores, only what stands
// before "[" if a "]" follows, else "[" as an underscore too. (PHP before 8
// leaves what follows such a "[" as it is; no guarded name holds any of these
// bytes, so that makes no difference here.) It allocates only where the name
// changes in the middle.
func fold(name string) string {
	if i := strings.IndexByte(name, 0); i >= 0 {
		name = name[:i]
	}
	name = strings.TrimLeft(name, " ")
	if i := strings.IndexByte(name, '['); i >= 0 && strings.IndexByte(name[i:], ']') > 0 {
		name = name[:i]
	}
	if !strings.ContainsAny(name, " .[") {
		return name
	}
	b := []byte(name)
	for i, c := range b {
		if c == ' ' || c == '.' || c == '[' {
			b[i] = '_'
		}
	}
	return string(b)
}
