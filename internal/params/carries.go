package params

import (
	"slices"
	"strings"
)

// Carries reports whether a query or form has any guarded name, or one that
// some reader takes for it. It is the look from afar: what it finds is read by
// [ParseKnown].
func (n *Names) Carries(text string) bool {
	for text != "" {
		var pair string
		if pair, text = cutPair(text); pair == "" {
			continue
		}
		if guarded, err := n.match(NameOf(pair)); guarded != "" || err != nil {
			return true
		}
	}
	return false
}

// CarriesAll reports whether a query or form has all of some names, whatever
// their case; false for none. It allocates nothing for plain names.
func CarriesAll(text string, names []string) bool {
	if len(names) == 0 || len(text) < len(names[0]) {
		return false
	}
	for _, name := range names {
		if !carries(text, name) {
			return false
		}
	}
	return true
}

// CarriesAllIn is CarriesAll for queries and forms that have the names between them. It
// allocates nothing for plain names.
func CarriesAllIn(names []string, texts ...string) bool {
	for _, name := range names {
		if !slices.ContainsFunc(texts, func(text string) bool { return carries(text, name) }) {
			return false
		}
	}
	return len(names) > 0
}

// CarriesSome reports whether queries or forms have at least so many of some names between
// them, whatever their case.
func CarriesSome(least int, names []string, texts ...string) bool {
	for _, name := range names {
		if slices.ContainsFunc(texts, func(text string) bool { return carries(text, name) }) {
			if least--; least <= 0 {
				return true
			}
		}
	}
	return false
}

// CarriesAny is CarriesSome for one name. It looks at each pair once, however many names
// there are, and allocates nothing for plain names.
func CarriesAny(names []string, texts ...string) bool {
	for _, text := range texts {
		for text != "" {
			var pair string
			pair, text = cutPair(text)
			if pair == "" {
				continue
			}
			name := fold(NameOf(pair))
			for _, known := range names {
				if len(pair) >= len(known) && strings.EqualFold(name, known) {
					return true
				}
			}
		}
	}
	return false
}

func carries(text, name string) bool {
	for text != "" {
		var pair string
		if pair, text = cutPair(text); len(pair) >= len(name) && strings.EqualFold(fold(NameOf(pair)), name) {
			return true
		}
	}
	return false
}

// cutPair takes the first pair off a text in the grammar of addresses as small
// scripts make them: a second "?", and "&amp;", separate as "&" does.
func cutPair(text string) (pair, rest string) {
	i := strings.IndexAny(text, "&?;")
	if i < 0 {
		return strings.TrimPrefix(text, entity), ""
	}
	pair, rest = text[:i], text[i+1:]
	for text[i] != ';' && strings.HasPrefix(rest, entity) {
		rest = rest[len(entity):]
	}
	return strings.TrimPrefix(pair, entity), rest
}

// NameOf returns the decoded name of a raw pair.
func NameOf(pair string) string {
	name, _, _ := strings.Cut(pair, "=")
	return loose(name)
}

// CarriesOne reports whether a query has one of some names, whatever their case.
func CarriesOne(text string, names []string) bool {
	for text != "" {
		var pair string
		pair, text = cutPair(text)
		name := fold(NameOf(pair))
		for _, want := range names {
			if len(want) == len(name) && strings.EqualFold(name, want) {
				return true
			}
		}
	}
	return false
}

// Value returns a query parameter as links of small scripts carry it: a second "?",
// and "&amp;", separate as "&" does. n is how often it comes, equal
// whether all copies have one value; a broken escape is the empty value.
func Value(rawQuery, name string) (value string, n int, equal bool) {
	equal = true
	is := name + "="
	for chunk := range strings.SplitSeq(rawQuery, "&") {
		for {
			for strings.HasPrefix(chunk, entity) {
				chunk = chunk[len(entity):]
			}
			end := len(chunk)
			// A "?" separates where what follows is the name.
			next := -1
			for i := 0; i < len(chunk); i++ {
				if chunk[i] != '?' {
					continue
				}
				if strings.HasPrefix(strings.TrimLeft(strings.TrimPrefix(chunk[i+1:], entity), "?"), is) {
					end, next = i, i+1
					break
				}
			}
			if raw, found := strings.CutPrefix(chunk[:end], is); found {
				v, ok := decode(raw)
				if !ok {
					v = ""
				}
				if n++; n > 1 && v != value {
					equal = false
				}
				value = v
			}
			if next < 0 {
				break
			}
			chunk = chunk[next:]
		}
	}
	return value, n, equal
}
