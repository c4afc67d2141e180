package handlers

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/payment"
)

// Errors of bodies that a shop may read, and this module can't.
var (
	errEncoded = fmt.Errorf("%w: a body with a Content-Encoding", payment.ErrMalformed)
	errCharset = fmt.Errorf("%w: a body in a charset that is no superset of ASCII", payment.ErrMalformed)
	errParts   = fmt.Errorf("%w: a form of parts with more than %d boundaries", payment.ErrMalformed, mostBoundaries)
)

// mostBoundaries bounds in how many ways a form of parts is taken apart.
const mostBoundaries = 8

// asQuery is what a body says in the way of a query, in the forms that shops read:
// plain ones, those of parts, and JSON, which Laravel takes for a form. A body of which
// the end is not seen is longer than a return's may be, and stays as it is.
//
// Its invariant: what any usual reader makes of the body is in it. PHP ends the type at a
// space or comma, takes the first word "boundary", either kind of quotes, and the last
// `name`; Node's readers unpack what is compressed; a script that decodes php://input asks
// neither for the type nor for the method. What can't be read as they do is an error.
func asQuery(r *http.Request) ([]byte, error) {
	types := r.Header["Content-Type"]
	k := kindsOf(r)
	plain, isJSON, inParts := k.plain, k.isJSON, k.inParts
	body, ok := peek(r, params.MaxBytes+1)
	if !ok || len(body) == 0 {
		return nil, nil
	}
	if plain || isJSON || inParts {
		if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
			return nil, errEncoded
		}
		for _, t := range types {
			if !likeASCII(t) {
				return nil, errCharset
			}
		}
	}
	form := make(url.Values)
	switch text := bytes.TrimLeft(body, "\xef\xbb\xbf \t\r\n"); {
	case len(body) > params.MaxBytes:
		if !plain && !isJSON && !inParts {
			return nil, nil
		}
		return body, nil
	case isJSON, bytes.HasPrefix(text, []byte("{")), bytes.HasPrefix(text, []byte("[")):
		fields(text, form)
		plain = plain || len(form) == 0
	default:
		plain = plain || !inParts
	}
	if inParts {
		for _, t := range types {
			if err := parts(body, t, form); err != nil {
				return nil, err
			}
		}
	}
	if len(form) == 0 && plain {
		return body, nil
	}
	out := []byte(form.Encode())
	if plain {
		out = append(append(out, '&'), body...)
	}
	return out, nil
}

// kinds are what usual readers take a body's type for.
type kinds struct{ plain, isJSON, inParts bool }

func kindsOf(r *http.Request) (k kinds) {
	for _, t := range r.Header["Content-Type"] {
		t = strings.ToLower(t)
		kind, _, _ := mime.ParseMediaType(t)
		php := t
		if i := strings.IndexAny(t, ";, \t"); i >= 0 {
			php = t[:i]
		}
		k.plain = k.plain || kind == formType || php == formType
		k.inParts = k.inParts || kind == formParts || php == formParts
		k.isJSON = k.isJSON || strings.Contains(t, "json")
	}
	return k
}

// formType is the type of a plain form, formParts that of one with files.
const (
	formType  = "application/x-www-form-urlencoded"
	formParts = "multipart/form-data"
)

var charset = regexp.MustCompile(`(?i)charset\s*=\s*["']?([^"';,\s]*)`)

// likeASCII: whatever charset a type names, a digit is its ASCII byte.
func likeASCII(t string) bool {
	for _, m := range charset.FindAllStringSubmatch(t, -1) {
		switch c := strings.ToLower(m[1]); {
		case c == "", c == "utf-8", c == "utf8", c == "us-ascii", c == "ascii", strings.HasPrefix(c, "iso-8859-"), strings.HasPrefix(c, "windows-125"):
		default:
			return false
		}
	}
	return true
}

// mostDepth bounds how deep JSON is read: a return has two levels.
const mostDepth = 16

// fields reads the texts and numbers of JSON at any depth, each by its own name: of a name
// that is there twice all.
func fields(text []byte, form url.Values) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var read func(name string, depth int) bool
	read = func(name string, depth int) bool {
		token, err := dec.Token()
		if err != nil || depth > mostDepth {
			return false
		}
		switch v := token.(type) {
		case json.Delim:
			for dec.More() {
				inner := name
				if v == '{' {
					key, err := dec.Token()
					if err != nil {
						return false
					}
					inner, _ = key.(string)
				}
				if !read(inner, depth+1) {
					return false
				}
			}
			_, err = dec.Token()
			return err == nil
		case string:
			form.Add(name, v)
		case json.Number:
			form.Add(name, v.String())
		}
		return true
	}
	read("", 0)
}

// bracketed: a text may have JSON in it, whose brackets may be escaped.
func bracketed(text string) bool {
	for {
		i := strings.IndexAny(text, "{[%")
		if i < 0 {
			return false
		}
		if text[i] != '%' {
			return true
		}
		if text = text[i+1:]; len(text) >= 2 && (text[0] == '5' || text[0] == '7') && text[1]|0x20 == 'b' {
			return true
		}
	}
}

// withInner adds to a form what stands in the JSON of fields, where PayPing has its own.
func withInner(form []byte, texts ...string) []byte {
	inner := make(url.Values)
	for _, text := range texts {
		if !bracketed(text) {
			continue
		}
		pairs, _ := url.ParseQuery(text)
		for _, values := range pairs {
			for _, v := range values {
				if v = strings.TrimSpace(v); strings.HasPrefix(v, "{") || strings.HasPrefix(v, "[") {
					fields([]byte(v), inner)
				}
			}
		}
	}
	if len(inner) == 0 {
		return form
	}
	return append(append(slices.Clip(form), '&'), inner.Encode()...)
}

// parts reads a form's parts, as the standard says and as PHP does.
func parts(body []byte, contentType string, form url.Values) error {
	if _, args, err := mime.ParseMediaType(contentType); err == nil {
		for in := multipart.NewReader(bytes.NewReader(body), args["boundary"]); ; {
			part, err := in.NextPart()
			if err != nil {
				break
			}
			if part.FileName() != "" {
				continue
			}
			value, _ := io.ReadAll(part)
			form.Add(part.FormName(), string(value))
			transferred(form, part.FormName(), string(value), part.Header.Get("Content-Transfer-Encoding"))
		}
	}
	all := boundaries(contentType)
	for _, b := range all[:min(len(all), mostBoundaries)] {
		for piece := range strings.SplitSeq(string(body), "--"+b) {
			loosePart(piece, form)
		}
	}
	if len(all) > mostBoundaries {
		return errParts
	}
	return nil
}

// boundaries are what readers may take for the boundary, at least one more than
// [mostBoundaries] if there are more.
func boundaries(contentType string) (all []string) {
	seen := make(map[string]bool)
	add := func(b string) {
		if b != "" && !seen[b] {
			seen[b] = true
			all = append(all, b)
		}
	}
	lower := strings.ToLower(contentType)
	for at := 0; len(all) <= mostBoundaries; {
		i := strings.Index(lower[at:], "boundary")
		if i < 0 {
			return all
		}
		at += i + len("boundary")
		_, text, ok := strings.Cut(contentType[at:], "=")
		if !ok {
			return all
		}
		for _, q := range []string{`"`, `'`} {
			if inner, ok := strings.CutPrefix(strings.TrimLeft(text, " \t"), q); ok {
				quoted, _, _ := strings.Cut(inner, q)
				add(quoted)
			}
		}
		if i := strings.IndexAny(text, ",;"); i >= 0 {
			text = text[:i]
		}
		add(text)
		add(strings.TrimSpace(text))
	}
	return all
}

var (
	disposition = regexp.MustCompile(`(?i)(?:^|\n)[ \t]*content-disposition[ \t]*:((?:[^\r\n]|\r?\n[ \t])*)`)
	partName    = regexp.MustCompile(`(?i)(?:^|[;,\s])name\*?\d*\*?\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|'((?:[^'\\]|\\.)*)'?|([^;,\s]*))`)
	transfer    = regexp.MustCompile(`(?i)(?:^|\n)[ \t]*content-transfer-encoding[^\n]*`)
	partFile    = regexp.MustCompile(`(?i)^\s*form-data\s*;\s*name="[^"\\]*"\s*;\s*filename="[^"\\]*"\s*$`)
)

// loosePart reads one part by each name that a reader may find in its head. A file of a
// plain head has no field.
func loosePart(piece string, form url.Values) {
	for _, blank := range []string{"\r\n\r\n", "\n\n"} {
		head, value, ok := strings.Cut(piece, blank)
		if !ok {
			continue
		}
		value = strings.TrimSuffix(strings.TrimSuffix(value, "\n"), "\r")
		for _, d := range disposition.FindAllStringSubmatch(head, -1) {
			if partFile.MatchString(d[1]) {
				continue
			}
			for _, m := range partName.FindAllStringSubmatch(d[1], -1) {
				name := strings.ReplaceAll(m[1]+m[2]+m[3], `\`, "")
				if i := strings.LastIndex(name, "''"); i >= 0 {
					name = name[i+2:] // utf-8''name
				}
				form.Add(name, value)
				transferred(form, name, value, transfer.FindString(head))
			}
		}
	}
}

// transferred adds what a part's value is once its transfer encoding is undone, as
// Python's readers do and PHP doesn't.
func transferred(form url.Values, name, value, encoding string) {
	var plain []byte
	switch encoding = strings.ToLower(encoding); {
	case strings.Contains(encoding, "base64"):
		plain, _ = io.ReadAll(base64.NewDecoder(base64.StdEncoding, strings.NewReader(value)))
	case strings.Contains(encoding, "quoted-printable"):
		plain, _ = io.ReadAll(quotedprintable.NewReader(strings.NewReader(value)))
	}
	if len(plain) > 0 {
		form.Add(name, string(plain))
	}
}
