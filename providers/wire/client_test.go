package wire

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/payment"
)

const canary = "s3cr3t-canary"

func post(t testing.TB, c *Client, address string) Reply {
	t.Helper()
	return c.Do(t.Context(), Call{URL: address, Type: JSON, Body: []byte(`{"k":"` + canary + `"}`), Header: map[string]string{"X-API-KEY": canary}})
}

func client(t testing.TB) *Client {
	c := NewClient(20*time.Second, nil)
	t.Cleanup(c.Close)
	return c
}

func TestReplyFacts(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.Header.Get("User-Agent") != "caddy-payments" || r.Header.Get("Accept") != JSON ||
			r.Header.Get("Accept-Encoding") != "identity" || r.Header.Get("Cookie") != "" || r.ContentLength != 21 || r.Header.Get("X-Api-Key") != canary {
			t.Errorf("%s %v %d", r.Method, r.Header, r.ContentLength)
		}
		w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
		w.Header().Set("Retry-After", "99999")
		w.Header().Set("Set-Cookie", "a=b")
		_, _ = io.WriteString(w, `{"a":1}`)
	}))
	defer s.Close()
	c := client(t)
	for range 2 { // the second must not carry the cookie
		r := post(t, c, s.URL)
		if r.Status != 200 || r.Err != nil || r.Object.Text("a") != "1" || r.RetryAfter != time.Hour || !r.HasOffset || r.Unsent {
			t.Errorf("%+v", r)
		}
		if d := r.Offset + time.Hour; d.Abs() > 30*time.Second {
			t.Errorf("offset %s", r.Offset)
		}
	}
}

// TestNoReplay lets a kept-alive connection die just when the next request has
// arrived on it: the request must not go out again.
func TestNoReplay(t *testing.T) {
	var count atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if count.Add(1)%2 == 1 {
			_, _ = io.WriteString(w, `{}`)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}))
	defer s.Close()
	c := client(t)
	for i := range int64(10) {
		r := post(t, c, s.URL)
		if (r.Err == nil) != (i%2 == 0) || r.Unsent {
			t.Errorf("%d: %+v", i, r)
		}
		if n := count.Load(); n != i+1 {
			t.Fatalf("%d requests after %d calls", n, i+1)
		}
	}
}

// TestNoSecondConnection lets a write on a kept-alive connection fail before its
// first byte. With a body that it can have again net/http would take another
// connection, and how often a request went out would not be known here.
func TestNoSecondConnection(t *testing.T) {
	var count atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		count.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{}`)
	}))
	defer s.Close()
	c := client(t)
	var last atomic.Pointer[meter]
	dial := c.transport.DialContext
	c.transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if m, ok := conn.(*meter); ok {
			last.Store(m)
		}
		return conn, err
	}
	if r := post(t, c, s.URL); r.Err != nil {
		t.Fatalf("%+v", r)
	}
	last.Load().seal()
	if r := post(t, c, s.URL); !r.Unsent || !errors.Is(r.Err, ErrBroken) || count.Load() != 1 {
		t.Errorf("%+v after %d requests", r, count.Load())
	}
	if r := post(t, c, s.URL); r.Err != nil || count.Load() != 2 {
		t.Errorf("%+v after %d requests", r, count.Load())
	}
}

// TestUnsentAfterConnect gives a connection on which nothing can be written.
func TestUnsentAfterConnect(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	c := client(t)
	dial := c.transport.DialContext
	c.transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err == nil {
			conn.(*meter).seal()
		}
		return conn, err
	}
	if r := post(t, c, s.URL); !r.Unsent || r.Err == nil {
		t.Errorf("%+v", r)
	}
}

func TestTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached") }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	r := post(t, client(t), s.URL)
	if !r.Unsent || !errors.Is(r.Err, ErrNoConnection) || !strings.Contains(r.Err.Error(), "TLS") || strings.Contains(r.Err.Error(), canary) {
		t.Errorf("%+v", r)
	}
	if r := post(t, client(t), strings.Replace(s.URL, "https", "http", 1)); r.Object != nil {
		t.Errorf("%+v", r)
	}
}

func TestProxy(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	var seen atomic.Value
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r.URL.String())
		_, _ = io.WriteString(w, `{}`)
	}))
	defer proxy.Close()
	u, _ := url.Parse(proxy.URL)
	c := NewClient(20*time.Second, u)
	defer c.Close()
	if r := post(t, c, "http://provider.invalid/x"); r.Err != nil || seen.Load() != "http://provider.invalid/x" {
		t.Errorf("%+v, %v", r, seen.Load())
	}
	if client(t).transport.Proxy != nil {
		t.Error("the environment decides")
	}
	var cfg Config
	cfg.ProxyURL = "http://user:" + canary + "@:bad"
	if _, err := cfg.Client(); err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("%v", err)
	}
	cfg.ProxyURL = "ftp://x"
	if _, err := cfg.Client(); err == nil {
		t.Error("ftp")
	}
}

func TestBadRequests(t *testing.T) {
	c := client(t)
	for _, call := range []Call{
		{URL: "https://x.example", Type: JSON},
		{URL: "://" + canary, Type: JSON, Body: []byte("x")},
		{URL: "http://127.0.0.1:1", Type: JSON, Body: []byte("x"), Header: map[string]string{"X": "a\n" + canary}},
	} {
		if r := c.Do(t.Context(), call); !r.Unsent || r.Err == nil || strings.Contains(r.Err.Error(), canary) {
			t.Errorf("%+v", r)
		}
	}
}

func TestReadReply(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for in, want := range map[string]time.Duration{
		"": 0, "5": 5 * time.Second, "-5": 0, "5.5": 0, "99999999999999": 0, "7200": time.Hour,
		"Sat, 21 Nov 2026 12:00:30 GMT": 30 * time.Second, "Sat, 21 Nov 2026 11:00:00 GMT": 0, "soon": 0,
	} {
		if got := retryAfter(in, now); got != want {
			t.Errorf("Retry-After %q: %s", in, got)
		}
	}
	r := ReadReply(200, http.Header{"Date": {"Sat, 21 Nov 2026 12:00:10 GMT"}}, []byte("{}"), now, now.Add(time.Second))
	if r.Offset != 10*time.Second || !r.HasOffset || !r.Spoke() {
		t.Errorf("%+v", r)
	}
	for status, spoke := range map[int]bool{100: false, 199: false, 200: true, 299: true, 302: false, 400: true, 408: false, 425: false, 429: false, 499: true, 500: false, 999: false} {
		if r := ReadReply(status, nil, []byte("{}"), now, now); r.Spoke() != spoke || (!spoke && r.Answer().Err == nil) {
			t.Errorf("%d: %v", status, r.Spoke())
		}
	}
	if a := (Reply{Status: 429}).Answer(); a.Outcome != payment.OutcomeBusy || a.Reason != payment.ReasonBusy || a.Code != "http/429" {
		t.Errorf("%+v", a)
	}
	if a := (Reply{Err: ErrTimeout, Unsent: true}).Answer(); a.Outcome != payment.OutcomeUnknown || a.Reason != payment.ReasonNoAnswer || !a.Unsent || a.Code != "" {
		t.Errorf("%+v", a)
	}
}

func TestTimeoutOption(t *testing.T) {
	for d, ok := range map[time.Duration]bool{0: true, time.Second: true, -1: false, 3 * time.Minute: false} {
		c := Config{}
		c.Timeout = caddy.Duration(d)
		cl, err := c.Client()
		if (err == nil) != ok {
			t.Errorf("%s: %v", d, err)
		}
		if d == 0 && cl.timeout != DefaultTimeout {
			t.Errorf("default %s", cl.timeout)
		}
	}
}

// A GET has no body, and no call is made with another method.
func TestGetHasNoBody(t *testing.T) {
	t.Parallel()
	var got *http.Request
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		_, _ = io.WriteString(w, "{}")
	}))
	defer s.Close()
	c := NewClient(time.Minute, nil)
	defer c.Close()
	r := c.Do(t.Context(), Call{Method: http.MethodGet, URL: s.URL + "/x", Header: map[string]string{"Authorization": "Bearer x"}})
	if r.Status != 200 || got.Method != http.MethodGet || got.ContentLength != 0 || got.Header.Get("Content-Type") != "" || got.Header.Get("Authorization") != "Bearer x" || got.Header.Get("Accept-Encoding") != "identity" {
		t.Errorf("%+v: %v %v", r, got.Method, got.Header)
	}
	for _, call := range []Call{{Method: "GET", URL: s.URL, Body: []byte("x")}, {Method: "DELETE", URL: s.URL, Body: []byte("x")}, {Method: "POST", URL: s.URL}, {Method: "GET", URL: ":"}} {
		if r := c.Do(t.Context(), call); !r.Unsent || r.Err == nil {
			t.Errorf("%+v: %+v", call, r)
		}
	}
}
