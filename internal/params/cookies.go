package params

import "strings"

// Cookies takes out of a request's Cookie lines those whose names some reader
// takes for a guarded or a bound parameter: in a PHP without a php.ini a cookie
// overrides the parameter of its name in $_REQUEST. All others stay as they
// came, byte for byte. Nothing is refused, because a cookie left over from a
// year ago must not cost a payment; nothing is allocated where none is dropped.
// The lines are changed in place and returned.
func (n *Names) Cookies(lines []string) []string {
	kept := lines[:0]
	for i, line := range lines {
		line, dropped := n.crumbs(line)
		if dropped && line == "" {
			continue
		}
		if dropped || len(kept) != i {
			kept = append(kept, line)
			continue
		}
		kept = kept[:i+1]
	}
	return kept
}

// crumbs returns one line without the cookies that are to go.
func (n *Names) crumbs(line string) (string, bool) {
	var b strings.Builder
	dropped := false
	for at := 0; at <= len(line); {
		end := at + strings.IndexByte(line[at:], ';')
		if end < at {
			end = len(line)
		}
		next := min(end+1, len(line)+1)
		if n.takes(line[at:end]) {
			if !dropped {
				b.Grow(len(line))
				b.WriteString(line[:at])
			}
			dropped = true
		} else if dropped {
			b.WriteString(line[at:min(next, len(line))])
		}
		at = next
	}
	if !dropped {
		return line, false
	}
	return strings.TrimRight(strings.TrimLeft(b.String(), " \t"), "; \t"), true
}

// takes reports whether a cookie is to go. PHP decodes names before 7.4.11.
func (n *Names) takes(pair string) bool {
	name := strings.TrimLeft(pair, " \t\n\v\f\r")
	if i := strings.IndexByte(name, '='); i >= 0 {
		name = name[:i]
	}
	name = strings.TrimRight(name, " \t")
	if name == "" {
		return false
	}
	if n.reads(name) {
		return true
	}
	decoded, _ := decode(name)
	return decoded != name && n.reads(decoded)
}
