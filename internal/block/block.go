// Package block parses the blocks of a Caddyfile. All blocks of this module use it, so
// the same mistake gets the same words everywhere: with the line, and with what to write
// instead.
//
// It promises never to show what may be a secret: of what is written it shows what
// [quote] allows, and never what is left over on a line.
package block

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/internal/nearest"
	"github.com/rahgir/caddy-payments/internal/quote"
)

// Option is one kind of line in a block.
type Option struct {
	Name string
	// Many allows the line to be repeated.
	Many bool
	// Block says that Read takes the rest of the line and a block, too.
	Block bool
	// Hidden options exist to be refused with a better reason; no error offers them.
	Hidden bool
	// Read reads what follows the name.
	Read func(d *caddyfile.Dispenser) error
	// Check judges the value once the whole block is read, because what a line may
	// say can depend on a later one. It is asked about lines that are not there, too:
	// some are required. May be nil.
	Check func() error
}

// Parse reads the block that opens behind the current token, if one does. what names
// the block in errors. What is wrong with a value is told with its line, what is
// missing with the line of the block's beginning.
func Parse(d *caddyfile.Dispenser, what string, options []Option) error {
	first := Mark(d)
	seen := make(map[string]*caddyfile.Dispenser)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := line(d, what, options, seen); err != nil {
			return err
		}
	}
	for _, o := range options {
		if o.Check == nil {
			continue
		}
		if err := o.Check(); err != nil {
			if mark := seen[o.Name]; mark != nil {
				return mark.WrapErr(err)
			}
			return first.WrapErr(err)
		}
	}
	return nil
}

func line(d *caddyfile.Dispenser, what string, options []Option, seen map[string]*caddyfile.Dispenser) error {
	name := d.Val()
	var known []string
	for _, o := range options {
		if o.Name != name {
			if !o.Hidden {
				known = append(known, o.Name)
			}
			continue
		}
		if seen[name] != nil && !o.Many {
			return d.Errf("%s is already specified", name)
		}
		seen[name] = Mark(d)
		if err := o.Read(d); err != nil {
			return err
		}
		if o.Block {
			return nil
		}
		if d.NextArg() {
			return TooMuch(d, name)
		}
		if d.NextBlock(d.Nesting()) {
			return d.Errf("%s takes no block", name)
		}
		return nil
	}
	if shown, write := slip(name, known); write != "" {
		return d.Errf("unrecognised option '%s' of %s; %s", shown, what, write)
	}
	if quote.Known(name, known...) || quote.Elsewhere(name) {
		return d.Errf("unrecognised option '%s' of %s; %s", name, what, Suggest(name, known))
	}
	return d.Errf("unrecognised option of %s; %s", what, Suggest(name, known))
}

// slip says what to write where an option and its value have become one word, as in
// api_key=…, and what may be shown of that word. Both are empty if it is no such slip.
func slip(got string, known []string) (shown, write string) {
	got = strings.TrimLeft(got, "\"'`$-")
	end := strings.IndexFunc(got, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' })
	if end < 0 {
		return glued(got, known)
	}
	name := nearest.Nearest(got[:end], known)
	written := got[:end]
	if !quote.Known(written, known...) {
		written = name
	}
	sep, size := utf8.DecodeRuneInString(got[end:])
	switch {
	case name == "":
		return "", ""
	case len(got) == end+size:
		return written + "…", "write " + name + " alone, without anything at its end"
	case unicode.IsSpace(sep):
		return written + " …", "write the quotes around the value alone, not around " + name
	case sep == '=' || sep == ':':
		return written + string(sep) + "…", "write a space between " + name + " and its value"
	}
	return written + "…", "write a space between " + name + " and its value"
}

// glued is slip where nothing stands between the two.
func glued(got string, known []string) (shown, write string) {
	name := ""
	for _, k := range known {
		if len(k) > len(name) && len(got) > len(k) && strings.EqualFold(got[:len(k)], k) {
			name = k
		}
	}
	if name == "" || quote.Known(got, known...) {
		return "", ""
	}
	return name + "…", "write a space between " + name + " and its value"
}

// TooMuch returns the error about a line with more arguments than it takes.
func TooMuch(d *caddyfile.Dispenser, name string) error {
	return d.Errf("wrong argument count: too much follows %s", name)
}

// Mark remembers where d is, for errors that come later.
func Mark(d *caddyfile.Dispenser) *caddyfile.Dispenser {
	m := caddyfile.NewDispenser([]caddyfile.Token{d.Token()})
	m.Next()
	return m
}

// Suggest ends an error about a word that is not one of known.
func Suggest(got string, known []string) string {
	if near := nearest.Nearest(got, known); near != "" {
		return "did you mean '" + near + "'?"
	}
	if len(known) == 0 {
		return "there is none"
	}
	return "there is only " + Join(known, "and")
}

// Words are names of some kind as plain words.
func Words[T ~string](names []T) []string {
	words := make([]string, len(names))
	for i, name := range names {
		words[i] = string(name)
	}
	return words
}

// Join joins words for people: "a, b and c".
func Join(words []string, with string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " " + with + " " + words[last]
}
