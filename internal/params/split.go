package params

import "strings"

// entity is what "&" becomes where an address went through HTML once too often.
const entity = "amp;"

// split cuts a text into its parts and reads the guarded ones.
func (s *Set) split(src *source, lenient bool) error {
	text := src.text
	if text == "" {
		return nil
	}
	src.parts = make([]part, 0, min(strings.Count(text, "&")+1, 16))
	for at := 0; at <= len(text); {
		end := at + strings.IndexByte(text[at:], '&')
		if end < at {
			end = len(text)
		}
		if err := s.chunk(src, at, end, lenient); err != nil {
			return err
		}
		at = end + 1
	}
	return nil
}

// chunk reads what is between two "&".
func (s *Set) chunk(src *source, at, end int, lenient bool) error {
	if !lenient {
		return s.add(src, at, end)
	}
	if n := s.takeOwn(src.text[at:end]); n > 0 {
		if len(src.parts) >= MaxParams {
			return ErrTooLarge
		}
		src.parts = append(src.parts, part{start: at, end: at + n, value: at + n})
		if at += n; at < end {
			at++ // the "?" that a provider appended with
		}
		if at >= end {
			return nil
		}
	}
	at, _, err := s.behindEntities(src.text, at, end)
	if err != nil {
		return err
	}
	for from := at; from < end; {
		q := strings.IndexByte(src.text[from:end], '?')
		if q < 0 {
			break
		}
		q += from
		before, err := s.name(src.text[at:q], false)
		if err != nil {
			return err
		}
		next, after, err := s.behindEntities(src.text, q+1, end)
		if err != nil {
			return err
		}
		if before != "" || after != "" {
			if err := s.add(src, at, q); err != nil {
				return err
			}
			at = next
		}
		from = q + 1
	}
	return s.add(src, at, end)
}

// behindEntities returns where the pair at a position really begins, if a
// guarded name is there, and that name: behind what is left of "&amp;" once its
// "&", or the "?" in its place, is taken away.
func (s *Set) behindEntities(text string, at, end int) (start int, guarded string, err error) {
	start = at
	for strings.HasPrefix(text[start:end], entity) {
		start += len(entity)
	}
	guarded, err = s.name(text[start:end], true)
	if err != nil || guarded == "" {
		return at, "", err
	}
	return start, guarded, nil
}

// name returns the guarded name that a raw pair begins with; query says that a
// raw "?" ends the name.
func (s *Set) name(pair string, query bool) (string, error) {
	raw, _, _ := strings.Cut(pair, "=")
	if query {
		raw, _, _ = strings.Cut(raw, "?")
	}
	return s.guarded.match(loose(raw))
}

// add appends one pair.
func (s *Set) add(src *source, start, end int) error {
	if start >= end {
		return nil
	}
	if len(s.query.parts)+len(s.body.parts) >= MaxParams {
		return ErrTooLarge
	}
	p := part{start: start, end: end, value: end}
	raw := src.text[start:end]
	eq := strings.IndexByte(raw, '=')
	if eq >= 0 {
		p.value = start + eq + 1
		raw = raw[:eq]
	}
	guarded, err := s.guarded.match(loose(raw))
	if err == nil {
		err = s.guarded.semicolons(src.text[start:end])
	}
	if err != nil {
		return err
	}
	if guarded != "" {
		if eq < 0 {
			err = errParam(guarded, "no value")
		} else {
			p.read, err = strict(guarded, src.text[p.value:end])
		}
		if err != nil {
			if src != &s.query || !s.asWritten(guarded, src.text[start:end]) {
				return err
			}
			p.read = loose(src.text[p.value:end])
		}
		p.name = guarded
	}
	src.parts = append(src.parts, p)
	return nil
}
