package scrub

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestTrailersComeBack is why Trailers is to be called behind every reading of
// a body: net/http sets the map anew at the body's end, declared or not.
func TestTrailersComeBack(t *testing.T) {
	again, gone := make(chan int, 1), make(chan int, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		Request(r)
		_, _ = io.Copy(io.Discard, r.Body)
		again <- len(r.Trailer)
		Trailers(r)
		gone <- len(r.Trailer)
	}))
	defer srv.Close()
	c, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"+
		"1\r\na\r\n0\r\nX-Sum: 1\r\nX-Payment-Status: verified\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if n := <-again; n == 0 {
		t.Log("net/http does not bring trailers back any more")
	}
	if n := <-gone; n != 0 {
		t.Errorf("%d trailers are left", n)
	}
}
