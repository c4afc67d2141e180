package providertest

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// marker stands in bodies of faults; no error may repeat it.
const marker = "PROVIDERS-TEXT"

// server answers every request with h and counts them.
func server(t testing.TB, h http.HandlerFunc) (base string, count *atomic.Int64) {
	t.Helper()
	count = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		count.Add(1)
		// A server notices that its client left only once the body is read.
		_, _ = io.Copy(io.Discard, r.Body)
		h(w, r)
	}))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL, count
}

// reply answers with a status and a body.
func reply(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func (s Suite) success(t *testing.T) {
	for _, c := range s.calls(t, s.New(t, "http://127.0.0.1:1", patience)) {
		t.Run(c.name, func(t *testing.T) {
			// Some hosts send JSON as text/html, some put a byte order mark first.
			for _, body := range []string{c.good, "\xef\xbb\xbf " + c.good + "\n"} {
				base, _ := server(t, reply(c.goodStatus, "text/html; charset=utf-8", body))
				if r := c.do(s.New(t, base, patience)); !r.accepted {
					t.Errorf("a documented success was not understood: %+v", r)
				}
			}
		})
	}
}

// fault is one way for a call to go wrong. Short ones end with the time-out.
type fault struct {
	name  string
	short bool
	h     func(good string, status int) http.HandlerFunc
}

func page(status int) func(string, int) http.HandlerFunc {
	return func(string, int) http.HandlerFunc {
		return reply(status, "text/html", "<html><h1>"+marker+"</h1></html>")
	}
}

func faults() []fault {
	list := []fault{
		{"no answer", true, func(string, int) http.HandlerFunc { return stall }},
		{"half a body, then nothing", true, func(good string, status int) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(status)
				_, _ = w.Write([]byte(good[:len(good)/2]))
				stall(w, r)
			}
		}},
		{"drip", true, func(good string, status int) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(status)
				for r.Context().Err() == nil {
					_, _ = w.Write([]byte(" "))
					_ = http.NewResponseController(w).Flush()
					time.Sleep(5 * time.Millisecond)
				}
			}
		}},
		{"reset at once", false, func(string, int) http.HandlerFunc { return reset("") }},
		{"reset inside of the header", false, func(string, int) http.HandlerFunc { return reset("HTTP/1.1 200 OK\r\nContent-") }},
		{"reset inside of the body", false, func(good string, _ int) http.HandlerFunc {
			return reset(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(good), good[:len(good)-1]))
		}},
		{"not HTTP", false, func(string, int) http.HandlerFunc { return reset(marker + "\r\n\r\n") }},
		{"endless header", false, func(string, int) http.HandlerFunc {
			return reset("HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+marker+"\r\n", 20_000))
		}},
		{"1 MiB", false, func(good string, status int) http.HandlerFunc {
			return reply(status, "application/json", good+strings.Repeat(" ", 1<<20))
		}},
		{"gzip bomb", false, func(good string, status int) http.HandlerFunc {
			body := append(zipped(good), blanks()...) // two members are read as one
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				w.WriteHeader(status)
				_, _ = w.Write(body)
			}
		}},
		{"success under 500", false, func(good string, _ int) http.HandlerFunc { return reply(500, "application/json", good) }},
		{"success under 429", false, func(good string, _ int) http.HandlerFunc { return reply(429, "application/json", good) }},
		{"204", false, func(string, int) http.HandlerFunc { return reply(204, "application/json", "") }},
	}
	for _, status := range []int{200, 400, 401, 403, 404, 405, 406, 408, 422, 429, 500, 502, 503, 504} {
		list = append(list, fault{fmt.Sprintf("a page with %d", status), false, page(status)})
	}
	return list
}

// blanks are 8 MiB of them, zipped once: that takes long under the race detector.
var blanks = sync.OnceValue(func() []byte { return zipped(strings.Repeat(" ", 8<<20)) })

func zipped(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return b.Bytes()
}

// stall answers nothing until the client leaves.
func stall(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// reset writes raw bytes and breaks the connection.
func reset(raw string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = conn.Write([]byte(raw))
		if tcp, ok := conn.(*net.TCPConn); ok && raw == "" {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
}

func (s Suite) faults(t *testing.T) {
	for _, f := range faults() {
		for _, c := range s.calls(t, s.New(t, "http://127.0.0.1:1", patience)) {
			t.Run(f.name+"/"+c.name, func(t *testing.T) {
				base, count := server(t, f.h(c.good, c.goodStatus))
				timeout := patience
				if f.short {
					timeout = 100 * time.Millisecond
				}
				r := c.do(s.New(t, base, timeout))
				// On a busy machine a short time-out may be over before the
				// request is out: that one must be told apart, and another made.
				for f.short && r.answer.Unsent && count.Load() == 0 && timeout < patience {
					timeout *= 3
					r = c.do(s.New(t, base, timeout))
				}
				s.unknown(t, r)
				if r.answer.Unsent {
					t.Error("said to be unsent")
				}
				if n := count.Load(); n > 1 || (n == 0 && !f.short) {
					t.Errorf("%d requests", n)
				}
			})
		}
	}
}

func (s Suite) redirects(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		other, reached := server(t, reply(200, "application/json", s.Verified))
		for _, c := range s.calls(t, s.New(t, "http://127.0.0.1:1", patience)) {
			base, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, other+r.URL.Path, status)
			})
			s.unknown(t, c.do(s.New(t, base, patience)))
		}
		if n := reached.Load(); n != 0 {
			t.Errorf("%d: followed %d times", status, n)
		}
	}
}

func (s Suite) refused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + l.Addr().String()
	_ = l.Close()
	p := s.New(t, base, patience)
	for _, c := range s.calls(t, p) {
		r := c.do(p)
		s.unknown(t, r)
		if (c.name == "verify" || c.name == "inquire") && (!r.answer.Unsent || r.answer.Reason != payment.ReasonNoAnswer) {
			t.Errorf("%s: unsent %v, reason %s", c.name, r.answer.Unsent, r.answer.Reason)
		}
	}
}

func (s Suite) cancelled(t *testing.T) {
	arrived := make(chan struct{}, 1)
	base, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
	})
	p := s.New(t, base, patience)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	r := judge(p.Verify(ctx, s.Query))
	s.unknown(t, r)
	if r.answer.Unsent {
		t.Error("said to be unsent, but it arrived")
	}
	r = judge(p.Verify(ctx, s.Query)) // cancelled before
	s.unknown(t, r)
	if !r.answer.Unsent {
		t.Error("not said to be unsent")
	}
}
