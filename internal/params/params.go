// Package params reads the parameters of a customer's return in such a way that this
// module, PHP and any other program behind it can't read them differently.
//
// It looks only at guarded names: the provider's parameters, payment_* and the
// parameters that name the order. All others belong to the shop and pass unchanged.
package params

import (
	"fmt"
	"mime"
	"strings"

	"github.com/rahgir/caddy-payments/payment"
)

// Limits of a return.
const (
	// MaxParams is how many parameters query and body may have together.
	MaxParams = 64
	// MaxBytes is how long the query, and how long the body, may be.
	MaxBytes = 64 << 10
	// MaxValue is how long a guarded parameter's value may be, decoded.
	MaxValue = 1 << 10
)

// Errors of [ParseKnown]; all wrap [payment.ErrMalformed].
var (
	// ErrAmbiguous: a guarded parameter comes twice with two values, or
	// beside a name that PHP makes the same one of. See also [Set.Doubled].
	ErrAmbiguous = fmt.Errorf("%w: ambiguous", payment.ErrMalformed)
	// ErrContentType: a body that is no application/x-www-form-urlencoded in
	// UTF-8.
	ErrContentType = fmt.Errorf("%w: the body's content type", payment.ErrMalformed)
	// ErrTooLarge: beyond a limit.
	ErrTooLarge = fmt.Errorf("%w: too large", payment.ErrMalformed)
)

// Place is where a parameter stands; a set of bits.
type Place uint8

// The places.
const (
	Query Place = 1 << iota
	Body
)

// Set is a return's parameters, read. The zero value has none.
type Set struct {
	query, body source
	guarded     *Names
	// own are what an address that we know has of guarded names, less what was
	// found of it: see [ParseKnown].
	own []pair
	// known is the query of that address.
	known string
}

// pair is a parameter, decoded.
type pair struct{ name, value string }

// source is one of the two texts and what stands in it, in order.
type source struct {
	text  string
	parts []part
}

// part is one parameter; separators lie between parts.
type part struct {
	start, end int
	// value is where the raw value begins: behind the first "=", or at end.
	value int
	// name is the guarded name, or empty for the shop's own.
	name string
	// read is the decoded value of a guarded parameter.
	read string
}

// ParseKnown reads query and body of a return to an address whose own query is known.
// The error names the parameter, never its value. The content type matters only where
// there is a body.
//
// A second raw "?" in the query, and "&amp;", count as "&" beside a guarded
// name, because small scripts append to the shop's address blindly. PHP does
// not read them so: the shop must get what [Set.Rewrite] returns, even where
// no value changes.
//
// What the known address itself has is the shop's own, though it bear a
// provider's name, and stays byte for byte at its place. Only what came on top is
// the provider's. Under such a name a shop finds only what it wrote itself and what is
// verified. The shop's own parameters may be empty, or have values that are refused
// elsewhere.
func ParseKnown(rawQuery string, body []byte, contentType string, guarded *Names, known string) (*Set, error) {
	s := &Set{query: source{text: rawQuery}, guarded: guarded, own: guarded.own(known), known: known}
	switch {
	case len(rawQuery) > MaxBytes || len(body) > MaxBytes:
		return nil, ErrTooLarge
	case strings.IndexByte(rawQuery, '#') >= 0:
		// The next hop may cut the address here.
		return nil, fmt.Errorf("%w: a raw # in the query", payment.ErrMalformed)
	}
	if len(body) > 0 {
		if !form(contentType) {
			return nil, ErrContentType
		}
		s.body.text = string(body)
	}
	if err := s.split(&s.query, true); err != nil {
		return nil, err
	}
	if err := s.split(&s.body, false); err != nil {
		return nil, err
	}
	return s, s.unique()
}

// form reports whether a content type is the one of plain forms.
func form(contentType string) bool {
	if contentType == formType {
		return true
	}
	t, args, err := mime.ParseMediaType(contentType)
	if err != nil || t != formType {
		return false
	}
	charset, given := args["charset"]
	return !given || strings.EqualFold(charset, "utf-8")
}

const formType = "application/x-www-form-urlencoded"

// errParam names a parameter that is wrong.
func errParam(name, why string) error {
	return fmt.Errorf("%w: %s: %s", payment.ErrMalformed, name, why)
}

// unique checks that copies of a guarded parameter are equal.
func (s *Set) unique() error {
	for i := range s.query.parts {
		p := &s.query.parts[i]
		if p.name == "" {
			continue
		}
		if differs(s.query.parts[i+1:], p) || differs(s.body.parts, p) {
			return fmt.Errorf("%w: %s: two values", ErrAmbiguous, p.name)
		}
	}
	for i := range s.body.parts {
		if p := &s.body.parts[i]; p.name != "" && differs(s.body.parts[i+1:], p) {
			return fmt.Errorf("%w: %s: two values", ErrAmbiguous, p.name)
		}
	}
	return nil
}

func differs(parts []part, p *part) bool {
	for i := range parts {
		if parts[i].read != p.read && parts[i].name != "" && strings.EqualFold(parts[i].name, p.name) {
			return true
		}
	}
	return false
}

// find returns the first part of a guarded name.
func (src *source) find(name string) *part {
	for i := range src.parts {
		if p := &src.parts[i]; p.name == name && name != "" {
			return p
		}
	}
	return nil
}

func (s *Set) find(name string) *part {
	if p := s.query.find(name); p != nil {
		return p
	}
	return s.body.find(name)
}

// Get returns the value of a guarded parameter, "" where absent.
func (s *Set) Get(name string) string {
	if p := s.find(name); p != nil {
		return p.read
	}
	return ""
}

// Has reports whether a guarded parameter is there, be it empty.
func (s *Set) Has(name string) bool { return s.find(name) != nil }

// In says where a guarded parameter stands: in the query, the body, both, or
// (zero) nowhere.
func (s *Set) In(name string) Place {
	var in Place
	if s.query.find(name) != nil {
		in |= Query
	}
	if s.body.find(name) != nil {
		in |= Body
	}
	return in
}
