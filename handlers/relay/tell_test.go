package relay

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// teller is a server that tells one answer, as late as a test wants, and says what it
// thinks was heard.
func teller(t *testing.T, body string) (address string, wait chan bool, heard chan bool) {
	t.Helper()
	wait, heard = make(chan bool, 1000), make(chan bool, 1000)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-wait
		heard <- tell(w, r, payment.RelayReply{Status: 200, Type: "application/json", Body: []byte(body)})
	}))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://"), wait, heard
}

func ask(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"); err != nil {
		t.Fatal(err)
	}
	return c
}

// Whoever takes it whole has heard it, however quickly the connection is closed then;
// the answer is byte for byte.
func TestTellWhole(t *testing.T) {
	for _, body := range []string{`{"a":1}`, "{\"a\":1}\r\n ", "x", "", strings.Repeat("x", 64<<10)} {
		address, wait, heard := teller(t, body)
		for range 50 {
			wait <- true
			c := ask(t, address)
			res, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(res.Body)
			c.Close()
			if err != nil || string(got) != body || res.Header.Get("Content-Length") != strconv.Itoa(len(body)) {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
			if !<-heard {
				t.Fatal("it was heard, and counts as not heard: it would be said again")
			}
		}
	}
}

// Whoever has left before has heard nothing.
func TestTellGone(t *testing.T) {
	address, wait, heard := teller(t, `{"a":1}`)
	for range 20 {
		c := ask(t, address)
		time.Sleep(2 * time.Millisecond)
		c.Close()
		time.Sleep(10 * time.Millisecond) // the server sees it
		wait <- true
		if <-heard {
			t.Fatal("nobody was there")
		}
	}
}

// Without its last byte no reader has a whole answer.
func TestLastByte(t *testing.T) {
	for body, want := range map[string]int{`{"a":1}`: 6, "{\"a\":1}\r\n\t ": 6, "x": 0, "": 0, " \n": 0, "ab": 1} {
		if got := lastByte([]byte(body)); got != want {
			t.Errorf("%q: %d", body, got)
		}
	}
}
