package message

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/rahgir/caddy-payments/internal/quote"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// Request is a request with templates in it, as it stands in a configuration.
type Request struct {
	// GET or POST.
	Method string `json:"method,omitempty"`
	// The address, absolute, with placeholders in path and query.
	URL string `json:"url,omitempty"`
	// Further header fields; values may have placeholders.
	Header map[string]string `json:"header,omitempty"`
	// What Body is: json or form.
	Kind string `json:"kind,omitempty"`
	// The body, with placeholders.
	Body string `json:"body,omitempty"`
}

// Call is a parsed [Request].
type Call struct {
	method string
	url    *Template
	header map[string]*Template
	kind   string
	body   *Template
}

// Parse reads a request's templates. base, where it is not empty, takes the place of
// scheme and host of its address. insecure allows plain http to any host.
func (r Request) Parse(field, base string, insecure bool, names Names) (*Call, error) {
	c := &Call{method: strings.ToUpper(r.Method), header: make(map[string]*Template), kind: r.Kind}
	switch {
	case !slices.Contains([]string{http.MethodGet, http.MethodPost}, c.method):
		return nil, fmt.Errorf("%s must begin with GET or POST", field)
	case c.method == http.MethodGet && r.Body != "":
		return nil, fmt.Errorf("%s: a GET has no body; write POST, or put the values into the address", field)
	case c.method == http.MethodPost && r.Body == "":
		return nil, fmt.Errorf("%s: a POST needs a body; write `body json {…}` or `body form name={order}`", field)
	}
	address := r.URL
	if base != "" {
		if i := strings.Index(address, "://"); i >= 0 {
			address = address[i+3:]
			if i = strings.IndexAny(address, "/?"); i < 0 {
				i = len(address)
			}
			address = address[i:]
		}
		address = strings.TrimSuffix(base, "/") + address
	}
	var err error
	if c.url, err = Parse(field, address, Address, names); err != nil {
		return nil, err
	}
	u, err := url.Parse(c.url.Fill(nil))
	if err != nil {
		return nil, fmt.Errorf("%s %w", field, ErrTemplate)
	}
	if _, err := wire.ParseBase(field, (&url.URL{Scheme: u.Scheme, Host: u.Host}).String(), insecure); err != nil {
		return nil, err
	}
	for name, value := range r.Header {
		if !token(name) {
			return nil, fmt.Errorf("header %w: a field's name is letters, digits and -", ErrTemplate)
		}
		if c.header[name], err = Parse(quote.Called("header", name), value, Line, names); err != nil {
			return nil, err
		}
	}
	if r.Body == "" {
		return c, nil
	}
	at, ok := map[string]Place{"json": JSON, "form": Form}[r.Kind]
	if !ok {
		return nil, errors.New("body must be json or form")
	}
	c.body, err = Parse("body", r.Body, at, names)
	return c, err
}

func token(s string) bool {
	return s != "" && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

// Needs reports whether a placeholder stands anywhere in the request.
func (c *Call) Needs(name string) bool {
	if c.url.has(name) || c.body != nil && c.body.has(name) {
		return true
	}
	for _, t := range c.header {
		if t.has(name) {
			return true
		}
	}
	return false
}

// Fill makes the request of one message. It is sent once: a GET, too, is not
// repeated on a connection that dies.
func (c *Call) Fill(values map[string]string) wire.Call {
	call := wire.Call{Method: c.method, URL: c.url.Fill(values), Header: make(map[string]string, len(c.header)), Once: true}
	for name, t := range c.header {
		call.Header[name] = t.Fill(values)
	}
	if c.body != nil {
		call.Body = []byte(c.body.Fill(values))
		call.Type = wire.JSON
		if c.kind == "form" {
			call.Type = wire.Form
		}
	}
	return call
}
