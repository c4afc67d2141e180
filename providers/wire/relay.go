package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/rahgir/caddy-payments/internal/strictjson"
	"github.com/rahgir/caddy-payments/payment"
)

// Forward sends a shop's call as it came to an API below base: see
// [payment.Relayer]. The call's path was found in the dialect before.
func (c *Client) Forward(ctx context.Context, base Base, call payment.RelayCall) payment.RelayReply {
	r, h, body := c.exchange(ctx, c.patience, func(ctx context.Context) (*http.Request, error) { return forwarded(ctx, base, call) })
	if h == nil || errors.Is(r.Err, ErrTooLarge) || errors.Is(r.Err, ErrEncoded) {
		return payment.RelayReply{Err: r.Err, Unsent: r.Unsent}
	}
	return payment.RelayReply{
		Status: r.Status, Type: h.Get("Content-Type"), Body: body,
		RetryAfter: r.RetryAfter, Offset: r.Offset, HasOffset: r.HasOffset,
	}
}

func forwarded(ctx context.Context, base Base, call payment.RelayCall) (*http.Request, error) {
	address := base.LogString() + call.Path
	if call.Query != "" {
		address += "?" + call.Query
	}
	var body io.Reader
	if len(call.Body) > 0 {
		body = struct{ io.Reader }{strings.NewReader(string(call.Body))} // can't be sent twice
	}
	req, err := http.NewRequestWithContext(ctx, call.Method, address, body)
	if err != nil {
		return nil, err
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
	return req, nil
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

// Owns implements [payment.Relayer] for a credential that is a member of the call's body, under
// the name that the option has ([Document.Credential]).
func (c *ProviderConfig) Owns(call payment.RelayCall) (payment.RelayOwner, error) {
	o, err := CallFields(call)
	if err != nil {
		return payment.RelayStranger, err
	}
	return c.Belongs(o.Text(c.document.Credential), c.document.Credential)
}

// ReadGivenBack implements [payment.Relayer] for a dialect without a call that gives money
// back: such an answer says nothing. A provider whose dialect has one writes its own.
func (*ProviderConfig) ReadGivenBack(payment.RelayReply) payment.Outcome {
	return payment.OutcomeUnknown
}

// ReadAsk is [payment.Relayer.ReadCall] of a dialect whose GETs, such as the pay page, end with
// the id, and whose other calls have it in their body: read takes from that what a call says.
// form returns an id in its one spelling, and whether it can be one at all; name is the id's,
// for the error.
func ReadAsk(kind payment.RelayKind, c payment.RelayCall, name string, form func(id string) (string, bool), read func(Object, *payment.RelayAsk)) (payment.RelayAsk, error) {
	a := payment.RelayAsk{Kind: kind}
	if c.Method == http.MethodGet {
		a.ID = LastSegment(c.Path)
	} else {
		o, err := CallFields(c)
		if err != nil {
			return a, err
		}
		if read(o, &a); kind == payment.RelayCreate {
			return a, nil
		}
		a.Odd = a.Number > 0 && o.Text("amount") != strconv.FormatInt(a.Number, 10)
	}
	id, ok := form(a.ID)
	if a.ID = id; !ok {
		return a, Malformed(name)
	}
	return a, nil
}

// Checked is the form of ids that are written in one way only.
func Checked(check func(id string) bool) func(string) (string, bool) {
	return func(id string) (string, bool) { return id, check(id) }
}

// ReadID is [payment.IDReader]'s method: form reads an id, and what says which form it has.
func ReadID(said string, form func(id string) (string, bool), what string) (string, error) {
	id, ok := form(said)
	if !ok {
		return "", fmt.Errorf("it is no id of this provider: write %s", what)
	}
	return id, nil
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
	if r.Err == nil && r.Status != 0 {
		out.Object, out.Err = parseBody(r.Status, r.Body)
	}
	return out
}

// Created returns what [payment.Relayer.ReadCreated] says of a create, given how the
// provider's own Create reads its answer.
func Created(made payment.Started, err error) (id string, ok bool) { return made.ID, err == nil }

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
