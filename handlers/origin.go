package handlers

import (
	"errors"
	"net/netip"
	"net/url"
	"path"
	"strings"

	"golang.org/x/net/idna"
)

// ErrPublicURL is wrapped by errors about a public_url.
var ErrPublicURL = errors.New("must be an address such as https://shop.example.com or, where several shops share a host, https://mall.example.com/shop1")

// origin is where browsers find a shop. Origins are compared field by field,
// never as they were written: case, Unicode and default ports say nothing.
type origin struct {
	scheme string
	// host is in lower case and punycode, without last dot; IPv6 has brackets.
	host string
	// port is empty if it is the scheme's own.
	port string
	// path is empty, or begins with a slash and doesn't end with one.
	path string
}

// id returns what the shop is called in records.
func (o origin) id() string { return o.authority() + o.path }

func (o origin) authority() string { return portly(o.host, o.port) }

// String returns the origin as a browser shows it.
func (o origin) String() string { return o.scheme + "://" + o.authority() + o.path }

// parsePublicURL reads scheme, host and path.
func parsePublicURL(s string) (origin, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil ||
		u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(u.Host, ":") {
		return origin{}, ErrPublicURL
	}
	o := origin{scheme: u.Scheme, host: hostName(u.Host), port: otherPort(u.Scheme, u.Port())}
	if !properHost(o.host) {
		return origin{}, ErrPublicURL
	}
	if p := strings.TrimSuffix(u.Path, "/"); p != "" {
		if path.Clean(p) != p || strings.ContainsAny(p, "\\;*{}\"'<> ") || u.RawPath != "" || !ascii(p) {
			return origin{}, ErrPublicURL
		}
		o.path = p
	}
	return o, nil
}

// CheckPublicURL says what is wrong with a public_url.
func CheckPublicURL(s string) error {
	_, err := parsePublicURL(s)
	return err
}

// otherPort returns a port that a scheme does not imply.
func otherPort(scheme, port string) string {
	if scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		return ""
	}
	return port
}

// hostName returns the one spelling of a host, given with or without its port: lower
// case, punycode, no last dot, addresses in their short form. Two hosts that
// lead a browser to one machine's name have one spelling, and others never do.
func hostName(hostport string) string {
	name, _ := splitHost(hostport)
	name = strings.TrimSuffix(name, ".")
	if ip, err := netip.ParseAddr(name); err == nil {
		if ip.Is6() {
			return "[" + ip.String() + "]"
		}
		return ip.String()
	}
	if !ascii(name) {
		if a, err := idna.Lookup.ToASCII(name); err == nil {
			name = a
		}
	}
	return escapeHost(strings.ToLower(name))
}

// splitHost parts host and port, of which the port may be missing.
func splitHost(hostport string) (name, port string) {
	if rest, ok := strings.CutPrefix(hostport, "["); ok {
		name, port, _ = strings.Cut(rest, "]")
		return name, strings.TrimPrefix(port, ":")
	}
	if strings.Count(hostport, ":") > 1 {
		return hostport, ""
	}
	name, port, _ = strings.Cut(hostport, ":")
	return name, port
}

// escapeHost leaves nothing in a host that could end it in an address: a
// client's Host may hold more than names do.
func escapeHost(name string) string {
	const hex = "0123456789abcdef"
	var b []byte
	for i := range len(name) {
		c := name[i]
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_' {
			if b != nil {
				b = append(b, c)
			}
			continue
		}
		if b == nil {
			b = append(make([]byte, 0, len(name)+8), name[:i]...)
		}
		b = append(b, '%', hex[c>>4], hex[c&15])
	}
	if b != nil {
		return string(b)
	}
	return name
}

// The bounds of names by RFC 1123.
const (
	longestName  = 253
	longestLabel = 63
)

// properHost reports whether a spelling of hostName is a name or an address: labels as
// RFC 1123 has them, in which an underscore is tolerated, since browsers and gateways
// take it. A client's Host may be anything else, such as `*.shop.test`, which a wildcard
// site takes; no browser came by such a name.
func properHost(name string) bool {
	if len(name) > 1 && name[0] == '[' {
		return true // hostName writes brackets around addresses only
	}
	if len(name) > longestName {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > longestLabel || strings.Contains(label, "%") || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return true
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
