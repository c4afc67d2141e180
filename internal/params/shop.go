package params

// Shop returns a parameter of the shop's own as PHP reads it in $_REQUEST. ok
// is false where it is absent, and where two readers could differ: query and
// body, two values, or a name beside it that PHP makes the same one of.
func (s *Set) Shop(name string) (value string, ok bool) {
	if guarded, err := s.guarded.match(name); err != nil || guarded != "" {
		return s.Get(guarded), s.Has(guarded)
	}
	want := fold(name)
	for _, src := range [...]*source{&s.query, &s.body} {
		for i := range src.parts {
			p := &src.parts[i]
			if p.name != "" {
				continue
			}
			end := p.value
			if end > p.start && end <= p.end && src.text[end-1] == '=' {
				end--
			}
			read := loose(src.text[p.start:end])
			if read != name && fold(read) != want {
				continue
			}
			v := loose(src.text[p.value:p.end])
			if read != name || (ok && v != value) {
				return "", false
			}
			value, ok = v, true
		}
	}
	return value, ok
}
