// Package loopback tells whether a host is this machine. Plain HTTP is safe there.
package loopback

import (
	"net/netip"
	"strings"
)

// Is reports whether a host, without its port, is this machine's own: localhost and
// the names below it, and every address that never leaves the machine. A name is not
// looked up.
func Is(host string) bool {
	host = strings.ToLower(host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	return err == nil && a.Unmap().IsLoopback()
}
