// Package strictjson reads JSON from gateways and shops. It accepts what real ones send,
// such as numbers in strings and Persian digits, and refuses what two readers could
// understand in two ways, such as a member that appears twice.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrUnreadable is wrapped by every error about a body that is not one JSON object
// that can be read in exactly one way. The errors carry no part of the body.
var ErrUnreadable = errors.New("the answer is not readable JSON")

// maxDepth is far above what any provider's answer nests.
const maxDepth = 16

// kind is what a value is.
type kind uint8

const (
	isNull kind = iota
	isBool
	isNumber
	isString
	isList
	isObject
)

// Value is one JSON value. Its kind is kept but rarely matters: providers send
// numbers as strings and the reverse.
type Value struct {
	kind kind
	// text is a string's content, a number's literal, "true" or "false".
	text   string
	list   []Value
	object Object
}

// Object is a JSON object. A nil Object is empty; all getters work on it. Names
// are compared exactly.
type Object map[string]Value

// Parse reads a body that must be one JSON object, perhaps after a byte
// order mark. It refuses what two readers could understand in two ways: names
// that occur twice, also where only their case differs, anything after the
// object, invalid UTF-8, and nesting beyond reason.
func Parse(body []byte) (Object, error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(body) {
		return nil, fmt.Errorf("%w: not UTF-8", ErrUnreadable)
	}
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return nil, fmt.Errorf("%w: not an object", ErrUnreadable)
	}
	if !json.Valid(body) {
		// Its own error would quote characters of the body.
		return nil, fmt.Errorf("%w: broken, cut off, or something follows the object", ErrUnreadable)
	}
	v, err := (&reader{rest: body}).value(0)
	return v.object, err
}

// reader walks through a body that is known to be valid JSON. The standard
// library's reader of tokens took longer over an answer than the ledger does.
type reader struct{ rest []byte }

// next skips what may stand between values and gives the next byte.
func (r *reader) next() byte {
	for i, c := range r.rest {
		switch c {
		case ' ', '\t', '\r', '\n', ',', ':': // valid, so they are where they belong
		default:
			r.rest = r.rest[i:]
			return c
		}
	}
	r.rest = nil
	return 0
}

// take gives the next n bytes.
func (r *reader) take(n int) string {
	n = min(n, len(r.rest))
	text := string(r.rest[:n])
	r.rest = r.rest[n:]
	return text
}

func (r *reader) value(depth int) (Value, error) {
	if depth > maxDepth {
		return Value{}, fmt.Errorf("%w: nested too deeply", ErrUnreadable)
	}
	switch c := r.next(); c {
	case '{':
		return r.members(depth)
	case '[':
		return r.list(depth)
	case '"':
		text, err := r.text()
		return Value{kind: isString, text: text}, err
	case 't':
		return Value{kind: isBool, text: r.take(len("true"))}, nil
	case 'f':
		return Value{kind: isBool, text: r.take(len("false"))}, nil
	case 'n':
		r.take(len("null"))
		return Value{}, nil
	}
	n := bytes.IndexFunc(r.rest, func(c rune) bool { return !strings.ContainsRune("+-.eE0123456789", c) })
	if n < 0 {
		n = len(r.rest)
	}
	return Value{kind: isNumber, text: r.take(n)}, nil
}

// text reads a string; only one with escapes needs the library.
func (r *reader) text() (string, error) {
	escaped := false
	for i := 1; i < len(r.rest); i++ {
		switch r.rest[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			raw := r.rest[:i+1]
			r.rest = r.rest[i+1:]
			if !escaped {
				return string(raw[1:i]), nil
			}
			var text string
			if err := json.Unmarshal(raw, &text); err != nil {
				return "", fmt.Errorf("%w: a broken text", ErrUnreadable)
			}
			return text, nil
		}
	}
	return "", fmt.Errorf("%w: cut off", ErrUnreadable)
}

func (r *reader) list(depth int) (Value, error) {
	v := Value{kind: isList}
	r.rest = r.rest[1:]
	for {
		switch r.next() {
		case ']':
			r.rest = r.rest[1:]
			return v, nil
		case 0:
			return Value{}, fmt.Errorf("%w: cut off", ErrUnreadable)
		}
		e, err := r.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		v.list = append(v.list, e)
	}
}

func (r *reader) members(depth int) (Value, error) {
	v := Value{kind: isObject, object: Object{}}
	seen := map[string]struct{}{}
	r.rest = r.rest[1:]
	for {
		switch r.next() {
		case '}':
			r.rest = r.rest[1:]
			return v, nil
		case '"':
		default:
			return Value{}, fmt.Errorf("%w: cut off", ErrUnreadable)
		}
		name, err := r.text()
		if err != nil {
			return Value{}, err
		}
		folded := fold(name)
		if _, dup := seen[folded]; dup {
			return Value{}, fmt.Errorf("%w: a name occurs twice", ErrUnreadable)
		}
		seen[folded] = struct{}{}
		if v.object[name], err = r.value(depth + 1); err != nil {
			return Value{}, err
		}
	}
}

// fold gives names that differ in nothing but case one form.
func fold(name string) string {
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && c != '_' && (c < '0' || c > '9') {
			return strings.ToLower(strings.ToUpper(name))
		}
	}
	return name
}
