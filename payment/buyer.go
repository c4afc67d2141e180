package payment

import (
	"errors"
	"net/mail"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Buyer is what the buyer wrote on our checkout's page. It is a person's data: it is
// kept with the payment, shown to the shop's people, sent to the gateway where its
// document takes it, and never logged.
type Buyer struct {
	// Name is at most [MaxName] letters.
	Name string `json:"n,omitempty"`
	// Mobile is an Iranian mobile number as [ParseMobile] writes it: 09121234567.
	Mobile string `json:"m,omitempty"`
	// Email is one address, without a name.
	Email string `json:"e,omitempty"`
}

const (
	// MaxName is the longest name of a buyer, in letters.
	MaxName = 80
	// MaxEmail is the longest e-mail address, in bytes (RFC 5321).
	MaxEmail = 254
	// maxWritten bounds what is read of a field, in bytes.
	maxWritten = 512
)

// Errors of reading what a buyer wrote. They say what to write instead.
var (
	ErrName   = errors.New("a name has 1 to 80 letters and no control characters")
	ErrMobile = errors.New("write an Iranian mobile number, such as 09121234567")
	ErrEmail  = errors.New("write one e-mail address, such as name@example.com")
)

// ParseName reads a name: runs of white space become one space. Zero-width joiners,
// which Persian needs, stay; other characters that can't be seen are refused.
func ParseName(s string) (string, error) {
	if len(s) > maxWritten || !utf8.ValidString(s) {
		return "", ErrName
	}
	s = strings.Join(strings.Fields(s), " ")
	odd := func(r rune) bool {
		return r != '\u200c' && r != '\u200d' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r)) || r == utf8.RuneError
	}
	if s == "" || utf8.RuneCountInString(s) > MaxName || strings.ContainsFunc(s, odd) || !strings.ContainsFunc(s, unicode.IsLetter) {
		return "", ErrName
	}
	return s, nil
}

var mobile = regexp.MustCompile(`^(?:\+98|0098|98|0)?(9[0-9]{9})$`)

// ParseMobile reads an Iranian mobile number as people write it: with Persian, Arabic or
// ASCII digits, spaces, dashes and brackets, with 0, 98, 0098, +98 or nothing before it.
func ParseMobile(s string) (string, error) {
	if len(s) > maxWritten {
		return "", ErrMobile
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), r == '-', r == '‐', r == '‑', r == '–', r == '(', r == ')', r == '.',
			r == '\u200c', r == '\u200e', r == '\u200f', r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			return -1
		}
		return r
	}, ASCIIDigits(s))
	m := mobile.FindStringSubmatch(s)
	if m == nil {
		return "", ErrMobile
	}
	return "0" + m[1], nil
}

// ParseEmail reads one address. Letters beyond ASCII are refused: gateways drop them.
func ParseEmail(s string) (string, error) {
	if len(s) > maxWritten {
		return "", ErrEmail
	}
	s = strings.TrimSpace(s)
	if len(s) > MaxEmail {
		return "", ErrEmail
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || strings.IndexByte(`<>()[]",;:\`, s[i]) >= 0 {
			return "", ErrEmail
		}
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || a.Name != "" {
		return "", ErrEmail
	}
	_, host, _ := strings.Cut(s, "@")
	if !strings.Contains(strings.Trim(host, "."), ".") {
		return "", ErrEmail
	}
	return s, nil
}

// String hides a person from logs and errors.
func (b Buyer) String() string {
	if b == (Buyer{}) {
		return ""
	}
	return "REDACTED"
}
