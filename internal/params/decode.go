package params

import (
	"strings"
	"unicode/utf8"
)

// strict decodes the value of a guarded parameter. Errors never hold the value.
func strict(name, raw string) (string, error) {
	value, ok := decode(raw)
	switch {
	case !ok:
		return "", errParam(name, "a broken escape")
	case len(value) > MaxValue:
		return "", errParam(name, "too long")
	case !utf8.ValidString(value):
		return "", errParam(name, "not UTF-8")
	}
	for _, r := range value {
		if r < 0x20 || (r >= 0x7f && r < 0xa0) {
			return "", errParam(name, "a control character")
		}
	}
	return value, nil
}

// loose decodes as PHP does: a broken escape stays as it is.
func loose(raw string) string {
	value, _ := decode(raw)
	return value
}

// decode replaces "+" and escapes; ok is whether every "%" began an escape.
// Nothing is allocated where there is nothing to replace.
func decode(raw string) (value string, ok bool) {
	if strings.IndexByte(raw, '%') < 0 && strings.IndexByte(raw, '+') < 0 {
		return raw, true
	}
	ok = true
	b := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch c {
		case '+':
			c = ' '
		case '%':
			if i+2 < len(raw) && digit(raw[i+1]) >= 0 && digit(raw[i+2]) >= 0 {
				c = byte(digit(raw[i+1])<<4 | digit(raw[i+2])) //nolint:gosec // two digits are one byte
				i += 2
			} else {
				ok = false
			}
		}
		b = append(b, c)
	}
	return string(b), ok
}

func digit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
