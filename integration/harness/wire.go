package harness

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Wire is a connection on which nothing is checked before it is sent.
type Wire struct {
	t    testing.TB
	addr string
	// Host is what the Host header says; default the address. From is the
	// client's own address; default any.
	Host, From string
	conn       net.Conn
	in         *bufio.Reader
}

// NewWire prepares one to a host and port; each Send dials if it must.
func NewWire(t testing.TB, addr string) *Wire { return &Wire{t: t, addr: addr} }

// Send writes a request, head lines joined by CRLF, and returns status and
// body. Status 0 is a connection that ended.
func (r *Wire) Send(start string, lines []string, body string) (int, string) {
	r.t.Helper()
	var b strings.Builder
	host := r.Host
	if host == "" {
		host = r.addr
	}
	b.WriteString(start + " HTTP/1.1\r\nHost: " + host + "\r\nAccept: text/html\r\n")
	for _, l := range lines {
		b.WriteString(l + "\r\n")
	}
	b.WriteString("\r\n" + body)
	if r.conn == nil {
		d := net.Dialer{Timeout: 30 * time.Second}
		if r.From != "" {
			d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(r.From)}
		}
		conn, err := d.Dial("tcp", r.addr)
		if err != nil {
			r.t.Fatal(err)
		}
		r.conn, r.in = conn, bufio.NewReader(conn)
		r.t.Cleanup(func() { conn.Close() })
	}
	_ = r.conn.SetDeadline(time.Now().Add(30 * time.Second))
	_, _ = io.WriteString(r.conn, b.String())
	method, _, _ := strings.Cut(start, " ")
	res, err := http.ReadResponse(r.in, &http.Request{Method: method})
	if err != nil {
		r.close()
		return 0, ""
	}
	text, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if res.Close {
		r.close()
	}
	return res.StatusCode, string(text)
}

func (r *Wire) close() {
	if r.conn != nil {
		r.conn.Close()
		r.conn = nil
	}
}
