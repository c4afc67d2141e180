package message

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/rahgir/caddy-payments/internal/nearest"
	"github.com/rahgir/caddy-payments/internal/quote"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// Place is where a template's values stand.
type Place int

// The places.
const (
	// Address is an absolute URL. Values stand in its path, where each stays one
	// segment, or in its query.
	Address Place = iota
	// Form is a form's body, `name=value&…`.
	Form
	// JSON is a JSON text. A value within quotes is escaped as text; one without must
	// be a number, true or false.
	JSON
	// Line is a header's value or another single line: control characters are left out.
	Line
	// Text is plain text.
	Text
)

// ErrTemplate is wrapped by every error about a template.
var ErrTemplate = errors.New("is not a usable template")

// placeholder is what counts as one: JSON's own braces don't look so.
var placeholder = regexp.MustCompile(`\{[a-z][a-z0-9_]*(?:\.[^{}\s]+)?\}`)

// Template is a parsed template.
type Template struct {
	parts []part
}

type part struct {
	text string // literal
	name string // else the placeholder's
	how  escaping
}

type escaping int

const (
	segment escaping = iota
	query
	quoted
	bare
	line
	plain
)

// Names are the placeholders that a template may have.
type Names struct {
	// Values are filled in with each message; Numbers are those of them that are
	// numbers or booleans, and may be in JSON without quotes.
	Values, Numbers []string
	// Fixed gives the value of a placeholder of the configuration, such as
	// {env.NAME}; ok is false for one that it does not know.
	Fixed func(name string) (value string, ok bool, err error)
}

// Parse reads a template. field is the option's name, for errors; they never show
// what the template holds but for its placeholders' names.
func Parse(field, text string, at Place, names Names) (*Template, error) {
	t := new(Template)
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%s %w: %s", field, ErrTemplate, fmt.Sprintf(format, args...))
	}
	rest := text
	seen := "" // what stands before, with x for each value
	for rest != "" {
		i := placeholder.FindStringIndex(rest)
		if i == nil {
			t.add(rest)
			seen += rest
			break
		}
		t.add(rest[:i[0]])
		seen += rest[:i[0]]
		name := rest[i[0]+1 : i[1]-1]
		rest = rest[i[1]:]
		how, err := place(at, seen)
		if err != nil {
			return nil, bad("%v", err)
		}
		switch {
		case slices.Contains(names.Values, name):
			if how == bare && !slices.Contains(names.Numbers, name) {
				return nil, bad("{%s} is a text: put it in quotes", name)
			}
			if at == Address && !inPath(seen) {
				return nil, bad("{%s} stands in the host: only the path and the query may depend on a payment", name)
			}
			t.parts = append(t.parts, part{name: name, how: how})
			seen += "1"
		default:
			value, ok, err := names.Fixed(name)
			if err != nil {
				return nil, err
			}
			if !ok {
				if !quote.Name(name) {
					return nil, bad("it has a placeholder that there is not; %s", suggestion(name, names.Values))
				}
				return nil, bad("there is no {%s}; %s", name, suggestion(name, names.Values))
			}
			if at == Address && !inPath(seen) {
				t.add(value) // the owner's own host
				seen += value
				continue
			}
			t.add(escape(how, value))
			seen += "1"
		}
	}
	return t, t.check(field, at, seen)
}

func (t *Template) add(text string) {
	if text != "" {
		t.parts = append(t.parts, part{text: text})
	}
}

// check looks at the whole, with 1 for each value.
func (t *Template) check(field string, at Place, seen string) error {
	switch at {
	case Address:
		u, err := url.Parse(seen)
		if err != nil || u.Scheme == "" || u.Host == "" || u.User != nil || u.Fragment != "" || strings.ContainsFunc(seen, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return fmt.Errorf("%s %w: write an absolute address, https://host/path?name={order}", field, ErrTemplate)
		}
	case JSON:
		if !json.Valid([]byte(seen)) {
			return fmt.Errorf("%s %w: it is not JSON when its placeholders are filled in", field, ErrTemplate)
		}
	}
	return nil
}

// place returns how a value is escaped behind what stands before it.
func place(at Place, before string) (escaping, error) {
	switch at {
	case Address:
		if strings.Contains(before, "#") {
			return 0, errors.New("what comes after # is never sent")
		}
		if strings.Contains(before, "?") {
			return query, nil
		}
		return segment, nil
	case Form:
		return query, nil
	case JSON:
		if inString(before) {
			return quoted, nil
		}
		return bare, nil
	case Line:
		return line, nil
	}
	return plain, nil
}

// inPath: the host is over.
func inPath(before string) bool {
	_, rest, ok := strings.Cut(before, "://")
	return ok && strings.ContainsAny(rest, "/?")
}

// inString: what follows stands within a JSON text.
func inString(before string) bool {
	in, escaped := false, false
	for _, c := range before {
		switch {
		case escaped:
			escaped = false
		case in && c == '\\':
			escaped = true
		case c == '"':
			in = !in
		}
	}
	return in
}

func escape(how escaping, v string) string {
	switch how {
	case segment:
		return wire.EscapeSegment(v)
	case query:
		return url.QueryEscape(v)
	case quoted:
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			return ""
		}
		return strings.TrimSuffix(b.String(), "\n")[1 : b.Len()-2]
	case line:
		return strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f {
				return -1
			}
			return r
		}, v)
	}
	return v
}

func (t *Template) has(name string) bool {
	return slices.ContainsFunc(t.parts, func(p part) bool { return p.name == name })
}

// Fill puts the values in. A missing one is empty.
func (t *Template) Fill(values map[string]string) string {
	var b strings.Builder
	for _, p := range t.parts {
		if p.name == "" {
			b.WriteString(p.text)
			continue
		}
		b.WriteString(escape(p.how, values[p.name]))
	}
	return b.String()
}

func suggestion(name string, known []string) string {
	if n := nearest.Nearest(name, known); n != "" {
		return "did you mean {" + n + "}?"
	}
	return "there are {" + strings.Join(known, "} {") + "}, {env.NAME} and {file./path}"
}
