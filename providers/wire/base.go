package wire

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/rahgir/caddy-payments/internal/loopback"
)

// ErrAddress is wrapped by every error about an address in the configuration.
var ErrAddress = errors.New("is not a usable address")

// Base is scheme, host and path prefix under which an API or a pay page lives.
type Base struct {
	scheme, host, port, prefix string
}

// ParseBase reads an absolute https address. Plain http is refused except
// towards loopback hosts, unless plain says that the owner wants it. A user
// name, a query and a fragment are refused; a path is kept as a prefix. field
// is the option's name for the error, which never shows the address: it may
// have been pasted together with a password.
func ParseBase(field, raw string, plain bool) (Base, error) {
	bad := func(why string) (Base, error) {
		return Base{}, fmt.Errorf("%s %w: %s", field, ErrAddress, why)
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Opaque != "":
		return bad("write https://host[:port][/path]")
	case u.Scheme != "https" && u.Scheme != "http":
		return bad("it must begin with https://")
	case u.Hostname() == "":
		return bad("it has no host")
	case u.User != nil:
		return bad("it must not carry a user name or password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(raw, "#"):
		return bad("it must not carry a query or fragment")
	}
	prefix := strings.TrimRight(u.Path, "/")
	if u.RawPath != "" || (prefix != "" && path.Clean(prefix) != prefix) || strings.ContainsFunc(prefix, oddInPath) {
		return bad("its path must be plain")
	}
	b := Base{scheme: u.Scheme, host: foldHost(u.Hostname()), port: u.Port(), prefix: prefix}
	if b.port == defaultPort(b.scheme) {
		b.port = ""
	}
	if b.scheme == "http" && !plain && !loopback.Is(b.host) {
		return bad("plain http would send secrets in clear; write https, or insecure_http if there is no other way")
	}
	return b, nil
}

// URL joins the prefix, a literal path that begins with "/", and further
// segments, each of which is escaped so that it stays one segment.
func (b Base) URL(literal string, segments ...string) string {
	var s strings.Builder
	s.WriteString(b.scheme)
	s.WriteString("://")
	s.WriteString(b.authority())
	s.WriteString(b.prefix)
	s.WriteString(literal)
	for _, seg := range segments {
		s.WriteString("/")
		s.WriteString(EscapeSegment(seg))
	}
	return s.String()
}

// Identity is host, port and prefix without the scheme: the part of an issuer
// that stays the same when an owner goes from http to https.
func (b Base) Identity() string { return b.authority() + b.prefix }

// LogString returns the address for logs; a Base never holds a secret.
func (b Base) LogString() string { return b.scheme + "://" + b.Identity() }

func (b Base) authority() string {
	host := b.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if b.port == "" {
		return host
	}
	return host + ":" + b.port
}

// covers reports whether u is on this host and under this prefix, and returns
// the escaped path below it. Http and https count as the same where both use
// their usual port: documents and old scripts still print http.
func (b Base) covers(u *url.URL) (string, bool) {
	if u == nil || (u.Scheme != "https" && u.Scheme != "http") || u.User != nil || foldHost(u.Hostname()) != b.host {
		return "", false
	}
	port := u.Port()
	if port == defaultPort(u.Scheme) {
		port = ""
	}
	if port != b.port || (port != "" && u.Scheme != b.scheme) {
		return "", false
	}
	rest, ok := strings.CutPrefix(u.EscapedPath(), b.prefix)
	return rest, ok
}

// EscapeSegment escapes an id for one path segment. Unlike [url.PathEscape] it
// also escapes dots where they are all there is, which servers would resolve.
func EscapeSegment(s string) string {
	if s != "" && strings.Trim(s, ".") == "" {
		return strings.ReplaceAll(s, ".", "%2E")
	}
	return url.PathEscape(s)
}

func oddInPath(r rune) bool {
	return r <= 0x20 || r >= 0x7f || strings.ContainsRune(`\"<>^{}|%`+"`", r)
}

func foldHost(h string) string { return strings.TrimSuffix(strings.ToLower(h), ".") }

func defaultPort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}
