package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

const (
	// MaxBody is the longest answer that is read, in bytes. Real answers are far shorter.
	MaxBody = 64 << 10
	// maxHeader bounds an answer's header.
	maxHeader = 64 << 10

	// Idle connections are closed before the five seconds after which common
	// servers close them, so that a request seldom meets a dying connection.
	idleTimeout = 4 * time.Second
	idleConns   = 640
	// allConns is enough for all questions at a time, for the payments that are being
	// started beside them and for the calls of shops that a gateway answers slowly, so
	// that none waits for another's connections.
	allConns = 960
)

// Client calls one provider. It is safe for concurrent use.
//
// It uses only the transport below [http.Client], so it follows no redirects and sends no
// cookies and no Referer. Nothing is sent twice: net/http repeats a request on a dying
// kept-alive connection only if the method is idempotent or the body can be read again.
// Therefore every call that changes something is a POST with a body and without GetBody.
// HTTP/2 is off, because it has its own rules for repeating. A GET only reads, so repeating
// it is harmless; a GET that changes something says so ([Call.Once]).
type Client struct {
	transport *http.Transport
	timeout   time.Duration
	// patience bounds a forwarded call of a shop's.
	patience time.Duration
}

// NewClient makes a client whose calls take at most timeout. They go through proxy if it is
// not nil. Proxies of the environment are ignored.
func NewClient(timeout time.Duration, proxy *url.URL) *Client {
	dialer := &net.Dialer{Timeout: timeout, KeepAlive: 15 * time.Second}
	t := &http.Transport{
		DialContext:            metered(dialer.DialContext),
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    timeout,
		DisableCompression:     true, // nothing to inflate, so no bomb
		MaxIdleConns:           idleConns,
		MaxIdleConnsPerHost:    idleConns,
		MaxConnsPerHost:        allConns,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeader,
		Protocols:              new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	if proxy != nil {
		t.Proxy = http.ProxyURL(proxy)
	}
	return &Client{transport: t, timeout: timeout, patience: timeout}
}

// Close closes idle connections. Calls in progress are not disturbed.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Call is one request.
type Call struct {
	Method string // "" is POST
	URL    string
	// Type is the Content-Type of Body. Body must not be empty, except for a GET, which has
	// neither.
	Type string
	Body []byte
	// Header has further fields. They are sent in the case in which they are written.
	Header map[string]string
	// Once: the call is a GET that changes something, and must never be sent twice.
	Once bool
}

// The content types of calls.
const (
	JSON = "application/json"
	Form = "application/x-www-form-urlencoded"
)

// Do makes the call once and reads the answer. It returns when the outcome is known or the
// time-out is over, and never panics over an answer.
func (c *Client) Do(ctx context.Context, call Call) Reply {
	r, _, _ := c.exchange(ctx, c.timeout, func(ctx context.Context) (*http.Request, error) { return newRequest(ctx, call) })
	return r
}

// exchange makes a request once and reads the answer, within limit. h is nil if no whole answer came.
func (c *Client) exchange(ctx context.Context, limit time.Duration, request func(context.Context) (*http.Request, error)) (r Reply, h http.Header, body []byte) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var a attempt
	req, err := request(httptrace.WithClientTrace(ctx, a.trace()))
	if err != nil {
		return Reply{Err: ErrRequest, Unsent: true}, nil, nil
	}
	sent := time.Now()
	res, err := c.transport.RoundTrip(req)
	if err != nil {
		return Reply{Err: fault(ctx, err, a.connected()), Unsent: a.unsent()}, nil, nil
	}
	defer res.Body.Close()
	head := time.Now()
	body, err = io.ReadAll(io.LimitReader(res.Body, MaxBody+1))
	r = ReadReply(res.StatusCode, res.Header, body, sent, head)
	if err != nil {
		r.Object, r.Err = nil, fault(ctx, err, true)
		return r, nil, nil
	}
	return r, res.Header, body
}

func newRequest(ctx context.Context, call Call) (*http.Request, error) {
	if call.Method == http.MethodGet {
		return newGet(ctx, call)
	}
	if len(call.Body) == 0 || call.Method != "" && call.Method != http.MethodPost {
		return nil, ErrRequest
	}
	// The wrapping hides the reader's type: http.NewRequest would set GetBody
	// for a plain bytes.Reader, and with it allow the request to be sent again.
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, call.URL, struct{ io.Reader }{bytes.NewReader(call.Body)})
	if err != nil {
		return nil, fmt.Errorf("%w", ErrRequest)
	}
	req.ContentLength = int64(len(call.Body))
	req.Header.Set("Content-Type", call.Type)
	dress(req, call)
	return req, nil
}

// newGet returns a call that only reads.
func newGet(ctx context.Context, call Call) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, call.URL, nil)
	if err != nil || len(call.Body) > 0 {
		return nil, ErrRequest
	}
	if call.Once {
		// A body that can't be had again keeps net/http from repeating the request on
		// a dying connection; an empty one is not sent.
		req.Body = io.NopCloser(strings.NewReader(""))
	}
	dress(req, call)
	return req, nil
}

// dress sets the header fields that all calls have, and the call's own.
func dress(req *http.Request, call Call) {
	req.Header.Set("Accept", JSON)
	// Without it the server may use any coding (RFC 9110, 12.5.3), and a coded answer can't
	// be read here.
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", payment.Agent)
	for name, value := range call.Header {
		req.Header[name] = []string{value}
	}
}
