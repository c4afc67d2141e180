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
