package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// isForm tells the page's forms from JSON that curl -d mislabels as a form.
func isForm(r *http.Request, body []byte) bool {
	if start := bytes.TrimSpace(body); len(start) > 0 && (start[0] == '{' || start[0] == '[') {
		return false
	}
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

// formFault reads the fault form of the page, where everything is text.
func formFault(body []byte) (Fault, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return Fault{}, fmt.Errorf("reading form: %w", err)
	}
	f := Fault{
		Provider: form.Get("provider"), Operation: form.Get("operation"), Payment: form.Get("payment"),
		Order: form.Get("order"), Kind: form.Get("kind"), When: form.Get("when"), Code: form.Get("code"),
		Fields: strings.Fields(form.Get("fields")),
	}
	for name, set := range map[string]func(int){
		"count":  func(n int) { f.Count = n },
		"skip":   func(n int) { f.Skip = n },
		"ms":     func(n int) { f.MS = int64(n) },
		"status": func(n int) { f.Status = n },
	} {
		if raw := strings.TrimSpace(form.Get(name)); raw != "" {
			n, err := strconv.Atoi(raw)
			if err != nil {
				return Fault{}, fmt.Errorf("%s %q is not a number", name, raw)
			}
			set(n)
		}
	}
	return f, nil
}

// decode refuses unknown names, so that a misspelt fault is not silently
// another one.
func decode(body []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("reading JSON: %w", err)
	}
	return nil
}
