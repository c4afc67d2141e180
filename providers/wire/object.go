package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// ErrJSON is wrapped by every error about a body that is not one JSON object
// that can be read in exactly one way. The errors carry no part of the body.
var ErrJSON = errors.New("the answer is not readable JSON")

// maxDepth is far above what any provider's answer nests.
const maxDepth = 16

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

// ParseObject reads a body that must be one JSON object, perhaps after a byte
// order mark. It refuses what two readers could understand in two ways: names
// that occur twice, also where only their case differs, anything after the
// object, invalid UTF-8, and nesting beyond reason.
func ParseObject(body []byte) (Object, error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(body) {
		return nil, fmt.Errorf("%w: not UTF-8", ErrJSON)
	}
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return nil, fmt.Errorf("%w: not an object", ErrJSON)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	v, err := readValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something follows the object", ErrJSON)
	}
	return v.object, nil
}

func readValue(d *json.Decoder, depth int) (Value, error) {
	if depth > maxDepth {
		return Value{}, fmt.Errorf("%w: nested too deeply", ErrJSON)
	}
	tok, err := d.Token()
	if err != nil {
		// The decoder's error quotes characters of the body: dropped.
		return Value{}, fmt.Errorf("%w: broken or cut off", ErrJSON)
	}
	switch t := tok.(type) {
	case string:
		return Value{kind: isString, text: t}, nil
	case json.Number:
		return Value{kind: isNumber, text: t.String()}, nil
	case bool:
		return Value{kind: isBool, text: fmt.Sprint(t)}, nil
	case json.Delim:
		if t == '[' {
			return readList(d, depth)
		}
		return readMembers(d, depth)
	}
	return Value{}, nil // null
}

func readList(d *json.Decoder, depth int) (Value, error) {
	v := Value{kind: isList}
	for d.More() {
		e, err := readValue(d, depth+1)
		if err != nil {
			return Value{}, err
		}
		v.list = append(v.list, e)
	}
	return v, closing(d)
}

func readMembers(d *json.Decoder, depth int) (Value, error) {
	v := Value{kind: isObject, object: Object{}}
	seen := map[string]struct{}{}
	for d.More() {
		tok, err := d.Token()
		name, ok := tok.(string)
		if err != nil || !ok {
			return Value{}, fmt.Errorf("%w: broken or cut off", ErrJSON)
		}
		folded := strings.ToLower(strings.ToUpper(name))
		if _, dup := seen[folded]; dup {
			return Value{}, fmt.Errorf("%w: a name occurs twice", ErrJSON)
		}
		seen[folded] = struct{}{}
		if v.object[name], err = readValue(d, depth+1); err != nil {
			return Value{}, err
		}
	}
	return v, closing(d)
}

func closing(d *json.Decoder) error {
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("%w: broken or cut off", ErrJSON)
	}
	return nil
}
