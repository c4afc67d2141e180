package params

import "strings"

// Shop returns a parameter of the shop's own as PHP reads it in $_REQUEST. ok
// is false if it is absent, and where two readers could differ: query and
// body, two values, a name beside it that PHP or a reader which ignores case
// makes the same one of, or a ";" that some readers split at.
func (s *Set) Shop(name string) (value string, ok bool) {
	if guarded, err := s.guarded.match(name); err != nil || guarded != "" {
		return s.Get(guarded), s.Has(guarded)
	}
	want := lower(fold(name))
	same := func(read string) bool { return lower(fold(read)) == want }
	for _, src := range [...]*source{&s.query, &s.body} {
		for i := range src.parts {
			p := &src.parts[i]
			if p.name != "" {
				continue
			}
			rawName, rawValue, _ := strings.Cut(src.text[p.start:p.end], "=")
			read := loose(rawName)
			if pieces(src.text[p.start:p.end], same) {
				return "", false
			}
			if !same(read) {
				continue
			}
			v := loose(rawValue)
			if read != name || ok && v != value || strings.IndexByte(rawValue, ';') >= 0 {
				return "", false
			}
			value, ok = v, true
		}
	}
	return value, ok
}
