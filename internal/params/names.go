package params

import (
	"fmt"
	"slices"
	"strings"
)

// Names are the guarded names of one route, made once.
//
// What it keeps: whatever reads a request (PHP, which folds names; a reader that
// ignores case; one that splits at ";" too), of a guarded name it finds the value
// that we have read, or none.
type Names struct {
	// known leads from what every reader makes of a name to its spellings.
	known    map[string][]spelling
	prefixes []string
	// bound are the shop's own that must name the order, read alike.
	bound map[string]bool
	// lent may be the shop's own as well, in an address that we know.
	lent map[string]bool
}

// spelling is one guarded name and PHP's reading of it.
type spelling struct{ folded, name string }

// NewNames makes a set of names. One that ends in "*" guards all that begin
// with it. Of two that PHP reads as one the first is meant; the other is
// refused where it occurs. Two that differ in case alone are both guarded.
func NewNames(names ...string) *Names {
	n := &Names{known: make(map[string][]spelling, len(names))}
	for _, name := range names {
		if p, ok := strings.CutSuffix(name, "*"); ok {
			if p != "" {
				n.prefixes = append(n.prefixes, lower(fold(p)))
			}
			continue
		}
		if name == "" {
			continue
		}
		f := fold(name)
		if key := lower(f); !slices.ContainsFunc(n.known[key], func(s spelling) bool { return s.folded == f }) {
			n.known[key] = append(n.known[key], spelling{f, name})
		}
	}
	return n
}

// Bind adds parameters of the shop's own that must name the order: a cookie of
// such a name is dropped, too. It is called before the first use.
func (n *Names) Bind(names ...string) *Names {
	n.bound = add(n.bound, names)
	return n
}

// Lend says which guarded names may be the shop's own in an address that we
// know: the provider's. It is called before the first use.
func (n *Names) Lend(names ...string) *Names {
	n.lent = add(n.lent, names)
	return n
}

func add(to map[string]bool, names []string) map[string]bool {
	if to == nil {
		to = make(map[string]bool, len(names))
	}
	for _, name := range names {
		to[lower(fold(name))] = true
	}
	return to
}

// Guards reports whether a name, spelt exactly so, is guarded.
func (n *Names) Guards(name string) bool {
	guarded, err := n.match(name)
	return err == nil && guarded != ""
}

// longest is the longest name that a prefix lets through.
const longest = 64

// match returns the guarded name that a decoded name is, "" for one of the
// shop's own, or an error for one that some reader would take for a guarded one.
func (n *Names) match(name string) (string, error) {
	if n == nil {
		return "", nil
	}
	var room [longest]byte
	f := fold(name)
	key := appendLower(room[:0], f)
	if spellings, ok := n.known[string(key)]; ok {
		for _, s := range spellings {
			if s.name == name {
				return name, nil
			}
		}
		return "", fmt.Errorf("%w: a name that reads as %s", ErrAmbiguous, spellings[0].name)
	}
	for _, p := range n.prefixes {
		if !strings.HasPrefix(string(key), p) {
			continue
		}
		if f != name || len(name) > longest || !plain(name) || string(key) != name {
			return "", fmt.Errorf("%w: a name that reads as %s*", ErrAmbiguous, p)
		}
		return name, nil
	}
	return "", nil
}

// reads reports whether some reader takes a decoded name for a guarded or a
// bound one. It allocates nothing for the names that browsers send.
func (n *Names) reads(name string) bool {
	var room [longest]byte
	key := appendLower(room[:0], fold(name))
	if _, ok := n.known[string(key)]; ok || n.bound[string(key)] {
		return true
	}
	for _, p := range n.prefixes {
		if len(key) >= len(p) && string(key[:len(p)]) == p {
			return true
		}
	}
	return false
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

// arrayKey returns where in a name stands what makes it an element of an array for PHP, such as
// "[0]"; -1 in other names.
func arrayKey(name string) int {
	if i := strings.IndexByte(name, '['); i >= 0 && strings.IndexByte(name[i:], ']') > 0 {
		return i
	}
	return -1
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
	if i := arrayKey(name); i >= 0 {
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

// lower returns what a reader that ignores case compares a name by.
func lower(name string) string { return string(appendLower(nil, name)) }

// appendLower appends it. Letters beyond ASCII that have an ASCII letter as
// another case (the Kelvin sign, the long s) are that letter.
func appendLower(to []byte, name string) []byte {
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 0x80:
			return append(to[:len(to)-i], strings.ToLower(strings.ToUpper(name))...)
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		}
		to = append(to, c)
	}
	return to
}
