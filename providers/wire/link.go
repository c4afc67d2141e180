package wire

import (
	"net/url"
	"strings"
)

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
