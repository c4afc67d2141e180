package wire

import (
	"net/url"
	"strings"
	"unicode"

	"github.com/google/uuid"

	"github.com/rahgir/caddy-payments/payment"
)

// MaxCode is the longest code that an answer may carry.
const MaxCode = 32

// Code makes a provider's code fit to show to people: ASCII letters, digits,
// '-', '_', '.', '/', at most [MaxCode] bytes. A long row of digits is a card
// number rather than a code and is dropped whole.
func Code(s string) string {
	c := clean(s, MaxCode)
	run := 0
	for i := range len(c) {
		if c[i] < '0' || c[i] > '9' {
			run = 0
		} else if run++; run > 12 {
			return ""
		}
	}
	return c
}

// maxReference is the longest bank reference kept.
const maxReference = 64

// Reference makes a bank's reference or receipt number fit for headers and
// pages. Zeros alone are how scripts write "none".
func Reference(s string) string {
	c := clean(s, maxReference)
	if strings.Trim(c, "0") == "" {
		return ""
	}
	return c
}

func clean(s string, limit int) string {
	s = payment.ASCIIDigits(s)
	var b strings.Builder
	for _, r := range s {
		if b.Len() == limit {
			break
		}
		if r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_./", r)) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// MaskCard reduces a card number, masked or not, to its first six and last
// four digits: "123456******1234". What has no such shape gives "", so that
// neither a full number nor a hash ever passes.
func MaskCard(s string) string {
	if len(s) > 64 {
		return ""
	}
	var shape []byte
	for _, r := range payment.ASCIIDigits(s) {
		switch {
		case r >= '0' && r <= '9':
			shape = append(shape, byte(r))
		case strings.ContainsRune("*xX•#·", r):
			shape = append(shape, '*')
		case r == '-' || r == ' ':
		default:
			return ""
		}
	}
	const head, tail = 6, 4
	if len(shape) < head+tail+2 || len(shape) > 24 || !allDigits(string(shape[len(shape)-tail:])) {
		return ""
	}
	lead := shape[:head]
	for i, c := range lead {
		if c == '*' {
			lead = lead[:i]
			break
		}
	}
	return string(lead) + "******" + string(shape[len(shape)-tail:])
}

// CheckID accepts ids of ASCII letters, digits, '-' and '_', and behind the
// first character also those of extra, of a length between least and most.
// Digits of other scripts are refused rather than folded: an id that can be
// written in two ways could be spent twice.
func CheckID(s string, least, most int, extra string) bool {
	if len(s) < least || len(s) > most {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		case i > 0 && strings.IndexByte(extra, c) >= 0:
		default:
			return false
		}
	}
	return true
}

// CheckOrder accepts a shop's order as a return may carry it: the grammar of
// [payment.CheckOrder] without digits of other scripts and invisible
// characters, which databases compare as equal to others.
func CheckOrder(s string) bool {
	if payment.CheckOrder(s) != nil {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r > 0x7f && (unicode.IsNumber(r) || unicode.IsSpace(r) || !unicode.IsPrint(r))
	})
}

func allDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// UUID accepts a UUID in its usual form and returns it in lower case: the same receipt
// written in another case must not be another receipt. The nil UUID names nothing.
func UUID(s string) (string, bool) {
	id, err := uuid.Parse(s)
	if err != nil || len(s) != 36 || id == uuid.Nil {
		return "", false
	}
	return id.String(), true
}

// Link makes an address of a provider's fit for a Location header: absolute, by
// http or https, without a user name, and percent-encoded as RFC 3986 has it. ok
// is false for anything else.
func Link(s string) (link string, ok bool) {
	link = encoded(s)
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || encoded(u.Host) != u.Host {
		return "", false
	}
	return link, true
}

// encoded escapes what is not allowed in a URL, and leaves the rest as it is.
func encoded(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c > 0x20 && c < 0x7f && !strings.ContainsRune("\"<>\\^`{|}", rune(c)) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}
