package robust_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
)

// mortal is a shop that keeps its connections and dies over the request that
// credits: it has read it, has credited, and closes without an answer.
type mortal struct {
	net.Listener
	mu       sync.Mutex
	credited map[string]int
}

func newMortal(t *testing.T) *mortal {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mortal{Listener: l, credited: make(map[string]int)}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go m.serve(conn)
		}
	}()
	return m
}

func (m *mortal) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		if r.Header.Get("X-Payment-Status") == "verified" {
			m.mu.Lock()
			m.credited[r.Header.Get("X-Payment-Id")]++
			m.mu.Unlock()
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	}
}

func (m *mortal) told(id string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.credited[id]
}

// M1: net/http sends a GET again when a kept-alive connection dies over it, so
// a shop that credits and dies was told twice, and nobody could tell. The
// delivery is not repeated below us.
func TestAShopThatDiesIsNotToldTwice(t *testing.T) {
	t.Parallel()
	shop := newMortal(t)
	s := newStand(t, "idpay", "")
	s.text = strings.Replace(s.text, s.shop.URL, shop.Addr().String(), 1)
	s.start()
	b := harness.NewCustomer(t)
	for range 3 {
		id, ret := s.buy(b)
		for range 4 { // so that there are connections to die
			if p := b.Get(s.site + "/"); p.Status != http.StatusOK {
				t.Fatalf("the shop's page: %d", p.Status)
			}
		}
		if _, err := come(b, ret); err != nil {
			t.Fatal(err)
		}
		s.waitFor(id, "parked", 10*time.Second)
		if n := shop.told(id); n != 1 {
			t.Errorf("the shop was told %d times", n)
		}
	}
}
