package params

import "strings"

// Carries reports whether a query or form has any guarded name, or one that
// some reader takes for it. It is the look from afar: what it finds is read by
// [Parse].
func (n *Names) Carries(text string) bool {
	for text != "" {
		var pair string
		if pair, text = cutPair(text); pair == "" {
			continue
		}
		if guarded, err := n.match(nameOf(pair)); guarded != "" || err != nil {
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

func carries(text, name string) bool {
	for text != "" {
		var pair string
		if pair, text = cutPair(text); len(pair) >= len(name) && strings.EqualFold(fold(nameOf(pair)), name) {
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

// nameOf is the decoded name of a raw pair.
func nameOf(pair string) string {
	name, _, _ := strings.Cut(pair, "=")
	return loose(name)
}
