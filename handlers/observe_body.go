package handlers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
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
// `name`; Node's readers unpack what is compressed. What can't be read as they do is an error.
func asQuery(r *http.Request) ([]byte, error) {
	types := r.Header["Content-Type"]
	var plain, isJSON, inParts bool
	for _, t := range types {
		t = strings.ToLower(t)
		kind, _, _ := mime.ParseMediaType(t)
		php := t
		if i := strings.IndexAny(t, ";, \t"); i >= 0 {
			php = t[:i]
		}
		plain = plain || kind == formType || php == formType
		inParts = inParts || kind == formParts || php == formParts
		isJSON = isJSON || strings.Contains(t, "json")
	}
	if !plain && !inParts && !isJSON {
		return nil, nil
	}
	body, ok := peek(r, params.MaxBytes+1)
	if !ok || len(body) == 0 {
		return nil, nil
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return nil, errEncoded
	}
	for _, t := range types {
		if !likeASCII(t) {
			return nil, errCharset
		}
	}
	if len(body) > params.MaxBytes || plain && !inParts && !isJSON {
		return body, nil
	}
	form := make(url.Values)
	if isJSON {
		fields(body, form)
	}
	if inParts {
		for _, t := range types {
			if err := parts(body, t, form); err != nil {
				return nil, err
			}
		}
	}
	out := []byte(form.Encode())
	if plain {
		out = append(append(out, '&'), body...)
	}
	return out, nil
}

// formParts is the type of a form with files.
const formParts = "multipart/form-data"

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

// fields reads the texts and numbers of a JSON object, of a name that is there twice all.
func fields(body []byte, form url.Values) {
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return
		}
		var raw json.RawMessage
		if dec.Decode(&raw) != nil {
			return
		}
		text := string(raw)
		_ = json.Unmarshal(raw, &text)
		if name, ok := name.(string); ok {
			form.Add(name, text)
		}
	}
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
		}
	}
	all := boundaries(contentType)
	if len(all) > mostBoundaries {
		return errParts
	}
	for _, b := range all {
		for piece := range strings.SplitSeq(string(body), "--"+b) {
			loosePart(piece, form)
		}
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
			}
		}
	}
}
