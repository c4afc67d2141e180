package params

import (
	"fmt"
	"strings"
)

// own returns the parameters of an address that we know which would otherwise be
// taken for the provider's, or for none that reads in one way.
func (n *Names) own(known string) []pair {
	if n == nil || known == "" {
		return nil
	}
	var own []pair
	for raw := range strings.SplitSeq(known, "&") {
		rawName, rawValue, _ := strings.Cut(raw, "=")
		name := loose(rawName)
		guarded, err := n.match(name)
		if guarded == "" && err == nil {
			err = n.semicolons(raw)
		} else if !n.lent[lower(fold(name))] {
			continue // it is read for what it says, like payment_ref
		}
		if guarded != "" || err != nil {
			own = append(own, pair{name, loose(rawValue)})
		}
	}
	return own
}

// asWritten reports whether the address that we know has a parameter of the shop's own just
// so: the shop wrote it, without a value or with one of any length, and reads it itself.
func (s *Set) asWritten(guarded, text string) bool {
	if s.known == "" || s.guarded.lent[lower(fold(guarded))] {
		return false
	}
	for raw := range strings.SplitSeq(s.known, "&") {
		if raw == text {
			return true
		}
	}
	return false
}

// takeOwn returns how much of what is between two "&" is a parameter of the
// address that we know, 0 if none is. Each counts once.
func (s *Set) takeOwn(text string) int {
	if len(s.own) == 0 {
		return 0
	}
	end := strings.IndexByte(text, '?')
	if end < 0 {
		end = len(text)
	}
	rawName, rawValue, _ := strings.Cut(text[:end], "=")
	is := pair{loose(rawName), loose(rawValue)}
	for i, own := range s.own {
		if own == is {
			s.own = append(s.own[:i:i], s.own[i+1:]...)
			return end
		}
	}
	return 0
}

// Doubled refuses an address in which a parameter of the shop's own comes twice with two values, or
// as a value and as an array; it returns [ErrAmbiguous]. What the known address itself has so is the
// shop's. It is for routes that take a page by its parameters.
//
// Invariant: such a return leads to the same page whichever of its parameters a program reads: a
// matcher of Caddy's takes any of two copies, PHP the last one, others the first.
func (s *Set) Doubled() error {
	var written map[string]bool
	if s.known != "" {
		written = make(map[string]bool)
		for raw := range strings.SplitSeq(s.known, "&") {
			written[raw] = true
		}
	}
	type copied struct{ key, value, raw string }
	seen := make(map[string]copied)
	for raw := range strings.SplitSeq(s.query.text, "&") {
		rawName, rawValue, _ := strings.Cut(raw, "=")
		name := loose(rawName)
		if guarded, err := s.guarded.match(name); guarded != "" || err != nil {
			continue // it is judged as such
		}
		now := copied{"", loose(rawValue), raw}
		if i := arrayKey(name); i >= 0 {
			now.key = name[i:]
		}
		before, known := seen[fold(name)]
		if !known {
			seen[fold(name)] = now
			continue
		}
		alike := now.key == before.key && now.value == before.value
		if now.key != "" && before.key != "" {
			alike = alike || now.key != before.key || strings.HasSuffix(now.key, "[]")
		}
		if !alike && !(written[raw] && written[before.raw]) {
			return fmt.Errorf("%w: %.64q: two values", ErrAmbiguous, fold(name))
		}
	}
	for raw := range strings.SplitSeq(s.query.text, "&") {
		if !written[raw] && pieces(raw, func(name string) bool { _, known := seen[fold(name)]; return known }) {
			return fmt.Errorf("%w: a ; before a name that comes again", ErrAmbiguous)
		}
	}
	return nil
}

// semicolons refuses a pair in which a reader that splits at ";" too would find
// a guarded name.
func (n *Names) semicolons(raw string) error {
	if n != nil && pieces(raw, func(name string) bool {
		guarded, err := n.match(strings.TrimLeft(name, " "))
		return err != nil || guarded != ""
	}) {
		return fmt.Errorf("%w: a ; before a guarded name", ErrAmbiguous)
	}
	return nil
}

// pieces calls f with the names that a reader which splits at ";" finds in a raw
// pair beside the pair's own, until f returns true.
func pieces(raw string, f func(name string) bool) bool {
	first, rest, more := strings.Cut(raw, ";")
	if more && strings.IndexByte(first, '=') < 0 && f(loose(first)) {
		return true
	}
	for more {
		var piece string
		piece, rest, more = strings.Cut(rest, ";")
		name, _, _ := strings.Cut(piece, "=")
		if f(loose(name)) {
			return true
		}
	}
	return false
}
