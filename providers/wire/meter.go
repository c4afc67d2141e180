package wire

import (
	"context"
	"errors"
	"net"
	"net/http/httptrace"
	"sync"
)

// errSealed is what a write on a sealed connection gets.
var errSealed = errors.New("the request was given up before it was sent")

// meter counts the bytes that were handed to a connection, and can seal it so
// that no more are. It tells "certainly not sent" from "perhaps sent".
type meter struct {
	net.Conn
	mu     sync.Mutex
	count  int64
	sealed bool
}

// Write counts before it writes: what was perhaps sent counts as sent.
func (m *meter) Write(b []byte) (int, error) {
	m.mu.Lock()
	if m.sealed {
		m.mu.Unlock()
		return 0, errSealed
	}
	m.count += int64(len(b))
	m.mu.Unlock()
	return m.Conn.Write(b)
}

func (m *meter) written() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.count
}

// seal stops all further writes and returns how much was written until then.
func (m *meter) seal() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sealed = true
	return m.count
}

// metered wraps a dialler's connections.
func metered(dial func(ctx context.Context, network, addr string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &meter{Conn: c}, nil
	}
}

// meterOf finds the meter below TLS.
func meterOf(c net.Conn) *meter {
	for c != nil {
		if m, ok := c.(*meter); ok {
			return m
		}
		inner, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		c = inner.NetConn()
	}
	return nil
}

// attempt watches one request: which connection it got and how much had been
// written on that one before.
type attempt struct {
	mu     sync.Mutex
	got    bool
	conn   *meter
	before int64
}

func (a *attempt) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.got { // a second connection: the first one's fate is not ours to judge
			a.conn = nil
			return
		}
		a.got = true
		if a.conn = meterOf(info.Conn); a.conn != nil {
			a.before = a.conn.written()
		}
	}}
}

func (a *attempt) connected() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.got
}

// unsent reports that certainly no byte of the request went out: there was no
// connection, or nothing was written on it and, it being sealed, nothing will.
func (a *attempt) unsent() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.got {
		return true
	}
	return a.conn != nil && a.conn.seal() == a.before
}
