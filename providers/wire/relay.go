package wire

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/internal/strictjson"
	"github.com/rahgir/caddy-payments/payment"
)

// Forward sends a shop's call as it came to an API below base: see
// [payment.Relayer]. The call's path was found in the dialect before.
func (c *Client) Forward(ctx context.Context, base Base, call payment.RelayCall) payment.RelayReply {
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	address := base.LogString() + call.Path
	if call.Query != "" {
		address += "?" + call.Query
	}
	var body io.Reader
	if len(call.Body) > 0 {
		body = struct{ io.Reader }{strings.NewReader(string(call.Body))} // can't be sent twice
	}
	var a attempt
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, a.trace()), call.Method, address, body)
	if err != nil {
		return payment.RelayReply{Err: ErrRequest, Unsent: true}
	}
	req.ContentLength = int64(len(call.Body))
	if len(call.Body) == 0 && call.Method != http.MethodGet {
		// Without a body net/http may repeat the request on a dead connection.
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader("")), -1
	}
	if call.Type != "" {
		req.Header.Set("Content-Type", call.Type)
	}
	for name, value := range call.Header {
		req.Header[name] = []string{value}
	}
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", payment.Agent)
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", JSON)
	}
	sent := time.Now()
	res, err := c.transport.RoundTrip(req)
	if err != nil {
		return payment.RelayReply{Err: fault(ctx, err, a.connected()), Unsent: a.unsent()}
	}
	defer res.Body.Close()
	head := time.Now()
	raw, err := io.ReadAll(io.LimitReader(res.Body, MaxBody+1))
	r := ReadReply(res.StatusCode, res.Header, raw, sent, head)
	out := payment.RelayReply{
		Status: res.StatusCode, Type: res.Header.Get("Content-Type"), Body: raw,
		RetryAfter: r.RetryAfter, Offset: r.Offset, HasOffset: r.HasOffset,
	}
	switch enc := res.Header.Get("Content-Encoding"); {
	case err != nil:
		return payment.RelayReply{Err: fault(ctx, err, true)}
	case len(raw) > MaxBody:
		return payment.RelayReply{Err: ErrTooLarge}
	case enc != "" && !strings.EqualFold(enc, "identity"):
		return payment.RelayReply{Err: ErrEncoded}
	}
	return out
}

// ForwardCall implements [payment.Relayer].
func (c *ProviderConfig) ForwardCall(ctx context.Context, call payment.RelayCall) payment.RelayReply {
	return c.client.Forward(ctx, c.api, call)
}

// Belongs tells whether a credential in a call is this block's; name is that of the
// field or header, for the error where there is none.
func (c *ProviderConfig) Belongs(said, name string) (payment.RelayOwner, error) {
	switch {
	case said == "":
		return payment.RelayStranger, Malformed(name)
	case !c.key.Is(said):
		return payment.RelayStranger, nil
	}
	return payment.RelayOwn, nil
}

// BelongsByField is [ProviderConfig.Belongs] for a credential that is a member of the call's body.
func (c *ProviderConfig) BelongsByField(call payment.RelayCall, name string) (payment.RelayOwner, error) {
	o, err := CallFields(call)
	if err != nil {
		return payment.RelayStranger, err
	}
	return c.Belongs(o.Text(name), name)
}

// ReadGivenBack implements [payment.Relayer] for a dialect without a call that gives money
// back: such an answer says nothing. A provider whose dialect has one writes its own.
func (*ProviderConfig) ReadGivenBack(payment.RelayReply) payment.Outcome {
	return payment.OutcomeUnknown
}

// LastSegment returns the unescaped last segment of a call's path, a slash at its end left
// out: where documents put ids.
func LastSegment(path string) string {
	path = strings.TrimSuffix(path, "/")
	id, err := url.PathUnescape(path[strings.LastIndexByte(path, '/')+1:])
	if err != nil {
		return ""
	}
	return id
}

// OfRelay returns a forwarded call's answer as a provider's own calls read theirs.
func OfRelay(r payment.RelayReply) Reply {
	out := Reply{Status: r.Status, Err: r.Err, Unsent: r.Unsent, RetryAfter: r.RetryAfter, Offset: r.Offset, HasOffset: r.HasOffset}
	switch {
	case r.Err != nil || r.Status == 0:
	case r.Status < 200 || r.Status >= 300 && r.Status < 400:
		out.Err = fmt.Errorf("%w %d", ErrStatus, r.Status)
	default:
		out.Object, out.Err = ParseObject(r.Body)
	}
	return out
}

// CallFields returns the members of a call's body: JSON, or a form whose names occur
// once. The Content-Type decides only where the body itself doesn't: scripts send
// JSON as anything.
func CallFields(c payment.RelayCall) (Object, error) {
	body := strings.TrimLeft(strings.TrimPrefix(string(c.Body), "\xef\xbb\xbf"), " \t\r\n")
	if strings.HasPrefix(body, "{") {
		o, err := ParseObject(c.Body)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", payment.ErrMalformed, err)
		}
		return o, nil
	}
	if kind, _, err := mime.ParseMediaType(c.Type); err == nil && kind != Form {
		return nil, fmt.Errorf("%w: the body is neither JSON nor a form", payment.ErrMalformed)
	}
	values, err := url.ParseQuery(body)
	if err != nil {
		return nil, fmt.Errorf("%w: the form can't be read", payment.ErrMalformed)
	}
	fields := make(map[string]string, len(values))
	for name, all := range values {
		if len(all) > 1 {
			return nil, fmt.Errorf("%w: a field occurs twice", payment.ErrMalformed)
		}
		fields[name] = all[0]
	}
	return strictjson.Texts(fields), nil
}

// Say returns our own answer: v as JSON.
func Say(status int, v any) payment.RelayReply {
	b, err := json.Marshal(v)
	if err != nil {
		b = []byte("{}") // it can't be: texts, numbers and maps
	}
	return SayJSON(status, string(b))
}

// SayJSON returns our own answer in JSON.
func SayJSON(status int, body string) payment.RelayReply {
	return payment.RelayReply{Status: status, Type: JSON + "; charset=utf-8", Body: []byte(body)}
}
