package harness

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

// Ports below those that the system gives out are shared among the test programs
// in blocks. The first port of a block is listened on for as long as the program
// lives: that is how the others know that the block is taken.
const (
	firstPort  = 10_000
	blocks     = 200
	blockPorts = 100
)

// ports is this program's block: a variable of the package, as ports are the
// process's.
var ports struct {
	sync.Mutex
	next, end int
	held      []net.Listener
}

// Port is a free port of loopback that nobody else will take: not while a Caddy
// that was killed is down, not before one starts, and no test beside this one.
func Port(t testing.TB) int {
	t.Helper()
	ports.Lock()
	defer ports.Unlock()
	for {
		for ports.next < ports.end {
			n := ports.next
			ports.next++
			if l := listen(n); l != nil {
				_ = l.Close()
				return n
			}
		}
		if !takeBlock() {
			t.Fatal("no port is free")
		}
	}
}

// takeBlock reserves another block.
func takeBlock() bool {
	for _, b := range rand.Perm(blocks) { //nolint:gosec // a port is no secret
		n := firstPort + b*blockPorts
		if l := listen(n); l != nil {
			ports.held = append(ports.held, l)
			ports.next, ports.end = n+1, n+blockPorts
			return true
		}
	}
	return false
}

func listen(port int) net.Listener {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil
	}
	return l
}
