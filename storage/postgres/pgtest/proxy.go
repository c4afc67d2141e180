package pgtest

import (
	"bytes"
	"fmt"
	"net"
	"sync"
	"testing"
)

// Proxy stands between clients and a cluster and cuts connections when it is
// told to.
type Proxy struct {
	// Port is where it listens on 127.0.0.1.
	Port int

	l      net.Listener
	target string

	mu    sync.Mutex
	rule  *Cut
	conns map[net.Conn]bool // true: a client's that waits for an answer
	dead  bool

	// hangs is held for writing while nothing is forwarded.
	hangs sync.RWMutex
}

// Cut says when a connection is cut.
type Cut struct {
	// Pattern is what the client sends: the first message that contains it.
	Pattern []byte
	// Skip is how many such messages pass before it.
	Skip int
	// Before, if set, is called with the message in hand, Sent when the server has
	// it.
	Before, Sent func()
	// Unsent drops the message too; otherwise the server gets it, and what it
	// answers is dropped once there is something.
	Unsent bool
	// Then, if set, is called between the server's answer and the cut.
	Then func()
	// Answered lets the answer through before that.
	Answered bool
}

// NewProxy starts one in front of a port.
func NewProxy(t testing.TB, port int) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{l: l, target: fmt.Sprintf("127.0.0.1:%d", port), conns: make(map[net.Conn]bool)}
	p.Port = l.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // tcp
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.Break()
		all.Wait()
	})
	return p
}

// Once cuts one connection by a rule.
func (p *Proxy) Once(c Cut) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rule = &c
}

// Break cuts all connections, and returns how many of them waited for an answer.
func (p *Proxy) Break() (waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c, waits := range p.conns {
		_ = c.Close()
		if waits {
			waiting++
		}
	}
	return waiting
}

// waits notes whether a client waits for an answer.
func (p *Proxy) waits(client net.Conn, on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[client] = on
}

// Refuse sets whether connections are refused; those that there are it cuts.
func (p *Proxy) Refuse(on bool) {
	p.mu.Lock()
	p.dead = on
	p.mu.Unlock()
	if on {
		p.Break()
	}
}

// Hang stops forwarding in both directions, with all connections open, until the
// returned function is called: a server that has frozen, or a network that drops
// everything.
func (p *Proxy) Hang() (goOn func()) {
	p.hangs.Lock()
	return sync.OnceFunc(p.hangs.Unlock)
}

// pass waits while nothing is forwarded.
func (p *Proxy) pass() {
	p.hangs.RLock()
	p.hangs.RUnlock() //nolint:staticcheck // only the waiting matters
}

// take returns the rule if a message fits it, and forgets it.
func (p *Proxy) take(b []byte) *Cut {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rule == nil || !bytes.Contains(b, p.rule.Pattern) {
		return nil
	}
	r := p.rule
	if r.Skip > 0 {
		r.Skip--
		return nil
	}
	p.rule = nil
	return r
}

func (p *Proxy) hold(c net.Conn, on bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if on {
		p.conns[c] = false
	} else {
		delete(p.conns, c)
	}
	return !p.dead
}

func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	defer p.hold(client, false)
	if !p.hold(client, true) {
		return
	}
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	defer p.hold(server, false)
	p.hold(server, true)
	var mu sync.Mutex
	var cut *Cut
	var back sync.WaitGroup
	back.Go(func() {
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			mu.Lock()
			c := cut
			mu.Unlock()
			if c != nil {
				if c.Answered && err == nil {
					_, _ = client.Write(buf[:n])
				}
				if c.Then != nil {
					c.Then()
				}
				err = net.ErrClosed
			}
			if err != nil {
				_ = client.Close()
				return
			}
			p.pass()
			if _, err := client.Write(buf[:n]); err != nil {
				return
			}
			p.waits(client, false)
		}
	})
	defer back.Wait()
	defer server.Close()
	buf := make([]byte, 256<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		c := p.take(buf[:n])
		if c != nil {
			if c.Before != nil {
				c.Before()
			}
			if c.Unsent {
				return
			}
			mu.Lock()
			cut = c
			mu.Unlock()
		}
		p.pass()
		p.waits(client, true)
		if _, err := server.Write(buf[:n]); err != nil {
			return
		}
		if c != nil && c.Sent != nil {
			c.Sent()
		}
	}
}
