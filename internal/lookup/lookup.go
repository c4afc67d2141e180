// Package lookup asks a shop for the price of an order (`expect lookup`). It promises
// that an answer which is neither a price, "paid" nor "no such order" (a JSON 404) counts as "not
// answered yet".
package lookup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/internal/loopback"
	"github.com/rahgir/caddy-payments/internal/strictjson"
	"github.com/rahgir/caddy-payments/payment"
)

const (
	// timeout and maxAnswer bound one question.
	timeout   = 3 * time.Second
	maxAnswer = 4 << 10
	// atOnce bounds how much of the shop strangers can use up.
	atOnce = 8
	// placeholder stands for the order in the address.
	placeholder = "{order}"
	// marker survives parsing of the address and occurs in no real one.
	marker = "payments-order-placeholder"
)

// Errors of asking.
var (
	// ErrUnknown: the shop answered with a JSON 404. Nothing else means that.
	ErrUnknown = errors.New("the shop does not know this order")
	// ErrUnanswered: anything else that is no usable answer.
	ErrUnanswered = errors.New("the shop gave no usable answer")
)

// Answer is what the shop expects.
type Answer struct {
	// Amount in rials.
	Amount payment.Rials
	// ID is the provider's id that the shop stored for the order; empty if it
	// does not say.
	ID string
	// Paid is whether the shop has the order as paid already; nil if it does
	// not say.
	Paid *bool
}

// Client asks one address. It is safe for concurrent use.
type Client struct {
	address string
	inPath  bool // the order stands in the path, not the query
	needID  bool
	http    *http.Client
	slots   chan struct{}
}

// New checks an address with `{order}` in its path or query. needID is whether
// an answer without the provider's id is useless. Plain http is accepted for
// loopback hosts only.
func New(address string, needID bool) (*Client, error) {
	if strings.Count(address, placeholder) != 1 {
		return nil, fmt.Errorf("the address must contain %s once, in its path or query", placeholder)
	}
	u, err := url.Parse(strings.Replace(address, placeholder, marker, 1))
	if err != nil || u.Host == "" || u.User != nil || strings.Contains(u.Host, marker) || strings.Contains(u.Fragment, marker) {
		return nil, errors.New("the address must be absolute, with {order} in its path or query")
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && loopback.Is(u.Hostname())) {
		return nil, errors.New("the address must be https; plain http is for loopback hosts only")
	}
	return &Client{
		address: strings.Replace(address, placeholder, marker, 1), inPath: strings.Contains(u.Path, marker), needID: needID,
		slots: make(chan struct{}, atOnce),
		http: &http.Client{
			Timeout:       timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				DialContext: (&net.Dialer{Timeout: timeout}).DialContext, MaxIdleConnsPerHost: atOnce,
				IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: timeout, ForceAttemptHTTP2: true,
			},
		},
	}, nil
}

// Fits reports whether an order can be asked about: whether it leaves the address
// the one that was meant.
func (c *Client) Fits(order string) bool {
	return payment.CheckOrder(order) == nil && !(c.inPath && climbs(order))
}

// Ask asks for one order. bearer is sent as the Authorization. One that doesn't
// fit is not asked about, and not known.
func (c *Client) Ask(ctx context.Context, order, bearer string) (Answer, error) {
	if !c.Fits(order) {
		return Answer{}, ErrUnknown
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return Answer{}, ErrUnanswered
	case <-time.After(timeout):
		return Answer{}, ErrUnanswered
	}
	escaped := strings.ReplaceAll(url.QueryEscape(order), "+", "%20")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.Replace(c.address, marker, escaped, 1), nil)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: the address cannot be used", ErrUnanswered)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", "identity") // without it any coding will do (RFC 9110, 12.5.3)
	req.Header.Set("Authorization", "Bearer "+bearer)
	req.Header.Set("User-Agent", payment.Agent)
	res, err := c.http.Do(req)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: no connection or no answer in time", ErrUnanswered)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil || len(body) > maxAnswer {
		return Answer{}, fmt.Errorf("%w: cut off or longer than 4 KiB", ErrUnanswered)
	}
	return c.read(res, body)
}

// climbs reports an order that a server which decodes before it looks would take
// for a way to another address. No shop gives such a number.
func climbs(order string) bool {
	for part := range strings.FieldsFuncSeq(order, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part == "." || part == ".." {
			return true
		}
	}
	return false
}

func (c *Client) read(res *http.Response, body []byte) (Answer, error) {
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	isJSON := err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json")) && json.Valid(body)
	switch {
	case !isJSON:
		return Answer{}, fmt.Errorf("%w: status %d, %s", ErrUnanswered, res.StatusCode, notJSON(res.Header.Get("Content-Type"), body))
	case res.StatusCode == http.StatusNotFound:
		return Answer{}, ErrUnknown
	case res.StatusCode != http.StatusOK:
		return Answer{}, fmt.Errorf("%w: status %d", ErrUnanswered, res.StatusCode)
	}
	// As strict as with providers: of two prices or two ids none is taken.
	o, err := strictjson.Parse(body)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: no object that reads in one way", ErrUnanswered)
	}
	amount, err := payment.ParseRials(o.Text("amount"))
	if err != nil {
		return Answer{}, fmt.Errorf("%w: amount is not a whole number of rials", ErrUnanswered)
	}
	a := Answer{Amount: amount, ID: o.Text("id")}
	switch {
	case a.ID == "" && o.Has("id") && !o.Blank("id"):
		return Answer{}, fmt.Errorf("%w: id is no text", ErrUnanswered)
	case a.ID == "" && c.needID:
		return Answer{}, fmt.Errorf("%w: id is missing", ErrUnanswered)
	}
	if o.Has("paid") {
		paid, ok := o.Bool("paid")
		if !ok {
			return Answer{}, fmt.Errorf("%w: paid is neither true nor false", ErrUnanswered)
		}
		a.Paid = &paid
	}
	return a, nil
}

// notJSON says why an answer is not read as JSON: what PHP says without a header
// line, and what an editor puts before the first brace, are both easily missed.
func notJSON(contentType string, body []byte) string {
	bare := bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	switch kind, _, err := mime.ParseMediaType(contentType); {
	case len(bare) != len(body) && json.Valid(bare):
		return "not JSON: a byte order mark (BOM) stands before it; save the script without one"
	case json.Valid(body) && err == nil:
		return fmt.Sprintf("not JSON: its Content-Type is %.60q, and must be application/json", kind)
	case json.Valid(body):
		return "not JSON: it has no Content-Type, which must be application/json"
	}
	return "not JSON"
}
