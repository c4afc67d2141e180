package doors

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// network is the network that the servers of a world listen on: pipes in this
// process, so that a world needs no ports and a client may have any address.
const network = "doors"

var listeners = struct {
	sync.Mutex
	at map[string]*listener
}{at: make(map[string]*listener)}

func init() {
	caddy.RegisterNetwork(network, func(_ context.Context, _, host, port string, _ uint, _ net.ListenConfig) (any, error) {
		l := &listener{port: port, conns: make(chan net.Conn), closed: make(chan struct{})}
		listeners.Lock()
		defer listeners.Unlock()
		listeners.at[port] = l
		return l, nil
	})
}

// listener hands out one end of a pipe for each dial.
type listener struct {
	port   string
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *listener) Addr() net.Addr { return address("127.0.0.1:" + l.port) }

// dial connects to a port of the world as a client at that address.
func dial(port, from string) (net.Conn, error) {
	listeners.Lock()
	l := listeners.at[port]
	listeners.Unlock()
	if l == nil {
		return nil, errors.New("nothing listens on " + port)
	}
	here, there := net.Pipe()
	select {
	case l.conns <- pipe{there, "127.0.0.1:" + port, from}:
		return pipe{here, from, "127.0.0.1:" + port}, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-time.After(10 * time.Second):
		return nil, errors.New("nobody accepts on " + port)
	}
}

type pipe struct {
	net.Conn
	local, remote string
}

func (p pipe) LocalAddr() net.Addr  { return address(p.local) }
func (p pipe) RemoteAddr() net.Addr { return address(p.remote) }

type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }
