package begin

import (
	"errors"
	"net"
	"strconv"
)

// step is how far apart the ports of two tries are.
const step = 10

// FreePorts finds n ports in a row that nobody listens on, at any address of this
// machine: first, or the next row after it. (Caddy shares its ports with other
// Caddys, so binding one is no proof that it is free.)
func FreePorts(first, n int) (int, error) {
	const tries = 100
	for port := first; port < first+tries*step && port+n <= 1<<16; port += step {
		free := 0
		for free < n && Free(port+free) {
			free++
		}
		if free == n {
			return port, nil
		}
	}
	return 0, errors.New("no free ports were found from " + strconv.Itoa(first) + " on")
}

// Free says whether nobody listens on a port. Some systems let a listener at one
// address stand beside another at all addresses, so each kind is tried.
func Free(port int) bool {
	for _, host := range []string{"", "127.0.0.1", "::1"} {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err == nil {
			_ = l.Close()
			continue
		}
		if host == "::1" && !hasIPv6() {
			continue
		}
		return false
	}
	return true
}

// hasIPv6 says whether this machine has a loopback address of IPv6: many containers
// have none.
func hasIPv6() bool {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}

// Loopback are the loopback addresses of this machine.
func Loopback() []string {
	if hasIPv6() {
		return []string{"127.0.0.1", "::1"}
	}
	return []string{"127.0.0.1"}
}
