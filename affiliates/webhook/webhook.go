package webhook

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap/zapcore"

	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/internal/nearest"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// Types of messages that are about a provider and no single payment.
const (
	ProviderDown payment.ReportKind = "provider.down"
	ProviderUp   payment.ReportKind = "provider.up"
)

// Types lists all types of messages.
func Types() []string { return block.Words(append(payment.Tells(), ProviderDown, ProviderUp)) }

// DefaultTimeout is how long a receiver may take, as the specification has it.
const DefaultTimeout = 15 * time.Second

// Hook is a server of the shop that receives messages.
type Hook struct {
	// The receiver's name in the ledger and in logs. Default: the host of its address.
	Name string `json:"name,omitempty"`
	// The address to send to: https, or a loopback address. It may contain placeholders.
	URL string `json:"url,omitempty"`
	// The keys that sign: `whsec_` and 24 to 64 bytes in base64. If there are several,
	// each signs every message, so that you can change a key without a gap. Write
	// `{env.NAME}` or `{file./path}`.
	Secrets []string `json:"secrets,omitempty"`
	// The types of messages to send. Default: all.
	Events []string `json:"events,omitempty"`
	// How long to wait for the receiver's answer. Default: `15s`.
	Timeout caddy.Duration `json:"timeout,omitempty"`
	// The proxy through which to call. Default: none.
	ProxyURL string `json:"proxy_url,omitempty"`
	// Allow plain `http` to hosts other than loopback addresses. Default: false.
	InsecureHTTP bool `json:"insecure_http,omitempty"`

	// View shows a payment to the receiver; it is set before the first message.
	View func(*payment.Record) any `json:"-"`

	address string
	keys    []wire.Secret // decoded
	client  *wire.Client
}

// Provision resolves secrets and addresses. It makes no call.
func (h *Hook) Provision(ctx caddy.Context) error {
	if err := h.Check(); err != nil {
		return err
	}
	address, err := h.resolve()
	if err != nil {
		return err
	}
	h.address = address
	for _, raw := range h.Secrets {
		s, err := wire.Required(ctx, "secret", raw)
		if err != nil {
			return err
		}
		k, err := decode(s.Reveal())
		if err != nil {
			return err
		}
		h.keys = append(h.keys, wire.NewSecret(string(k)))
	}
	c := wire.Config{Timeout: cmp.Or(h.Timeout, caddy.Duration(DefaultTimeout)), ProxyURL: h.ProxyURL}
	h.client, err = c.Client()
	return err
}

// Check judges what can be judged on any machine.
func (h *Hook) Check() error {
	if h.URL == "" {
		return errors.New("its address is missing: webhook https://shop.example.com/hooks/payments")
	}
	if len(h.Secrets) == 0 {
		return errors.New("secret is missing: write `secret {env.WEBHOOK_SECRET}`; `openssl rand -base64 32` makes one, put whsec_ before it")
	}
	for _, e := range h.Events {
		if !slices.Contains(Types(), e) {
			if n := nearest.Nearest(e, Types()); n != "" {
				return fmt.Errorf("there is no type of message %.64q; did you mean %s?", e, n)
			}
			return fmt.Errorf("there is no such type of message; there are %s", strings.Join(Types(), ", "))
		}
	}
	if !strings.Contains(h.URL, "{") {
		if _, err := h.resolve(); err != nil {
			return err
		}
	}
	for _, raw := range h.Secrets {
		if !strings.Contains(raw, "{") {
			if _, err := decode(raw); err != nil {
				return err
			}
		}
	}
	return nil
}

// resolve gives the address. Errors don't show it: it may hold a token.
func (h *Hook) resolve() (string, error) {
	text := wire.Expand(h.URL)
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return "", errors.New("url is not a usable address: write https://host/path, without user name and fragment")
	}
	if _, err := wire.ParseBase("url", (&url.URL{Scheme: u.Scheme, Host: u.Host}).String(), h.InsecureHTTP); err != nil {
		return "", err
	}
	return u.String(), nil
}

// Called returns the receiver's name.
func (h *Hook) Called() string {
	if h.Name != "" {
		return h.Name
	}
	if u, err := url.Parse(h.URL); err == nil && u.Host != "" && !strings.ContainsAny(u.Host, "{}") {
		return u.Host
	}
	return "webhook"
}

// The bounds of a key, in bytes.
const minKey, maxKey = 24, 64

func decode(secret string) ([]byte, error) {
	text, ok := strings.CutPrefix(secret, "whsec_")
	k, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		k, err = base64.RawStdEncoding.DecodeString(text)
	}
	if !ok || err != nil || len(k) < minKey || len(k) > maxKey {
		return nil, fmt.Errorf("secret %w: write whsec_ and %d to %d bytes in base64; `openssl rand -base64 32` makes them", wire.ErrSecret, minKey, maxKey)
	}
	return k, nil
}

// Wants implements [payment.Subscriber].
func (h *Hook) Wants(k payment.ReportKind) bool {
	return len(h.Events) == 0 || slices.Contains(h.Events, string(k))
}

// Message is the body of what is sent.
type Message struct {
	Type string `json:"type"`
	// Timestamp is when it happened.
	Timestamp time.Time `json:"timestamp"`
	Data      any       `json:"data"`
}

// Report implements [payment.Reporter].
func (h *Hook) Report(ctx context.Context, s payment.Sale) payment.ReportAnswer {
	var data any = map[string]string{"ref": string(s.Ref)}
	if h.View != nil && s.Record != nil {
		data = h.View(s.Record)
	}
	return h.Send(ctx, "msg_"+s.EventID, Message{Type: string(s.Kind), Timestamp: s.At.UTC(), Data: data}, time.Now())
}

// Send sends one message. now is the time of this try, which receivers compare with
// their clock.
func (h *Hook) Send(ctx context.Context, id string, m Message, now time.Time) payment.ReportAnswer {
	body, err := json.Marshal(m)
	if err != nil {
		return payment.ReportAnswer{Outcome: payment.ReportRejected, Code: "unwritable", Unsent: true, Err: errors.New("a message could not be written")}
	}
	stamp := strconv.FormatInt(now.Unix(), 10)
	return read(h.client.Do(ctx, wire.Call{URL: h.address, Type: wire.JSON, Body: body, Header: map[string]string{
		"webhook-id": id, "webhook-timestamp": stamp, "webhook-signature": h.sign(id, stamp, body),
	}}))
}

// sign returns a signature by each key, separated by spaces.
func (h *Hook) sign(id, stamp string, body []byte) string {
	all := make([]string, 0, len(h.keys))
	for _, k := range h.keys {
		mac := hmac.New(sha256.New, []byte(k.Reveal()))
		mac.Write([]byte(id + "." + stamp + "."))
		mac.Write(body)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(all, " ")
}

// read reads the receiver's answer: a 2xx has taken the message, 410 wants no more,
// everything else is tried again, redirects included.
func read(r wire.Reply) payment.ReportAnswer {
	a := payment.ReportAnswer{Outcome: payment.ReportRetry, Unsent: r.Unsent, RetryAfter: r.RetryAfter}
	switch {
	case r.Status == 0:
		a.Err = r.Answer().Err
		return a
	case r.Status >= 200 && r.Status < 300:
		a.Outcome = payment.ReportAccepted
	case r.Status == http.StatusGone:
		a.Outcome = payment.ReportGone
	default:
		a.Err = fmt.Errorf("%w %d", wire.ErrStatus, r.Status)
	}
	a.Code = strconv.Itoa(r.Status)
	return a
}

// Cleanup closes idle connections.
func (h *Hook) Cleanup() error {
	if h.client != nil {
		h.client.Close()
	}
	return nil
}

// MarshalLogObject shows what logs may show.
func (h *Hook) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("name", h.Called())
	enc.AddInt("keys", len(h.Secrets))
	return nil
}

// Interface guards
var (
	_ payment.Subscriber      = (*Hook)(nil)
	_ caddy.Provisioner       = (*Hook)(nil)
	_ caddy.CleanerUpper      = (*Hook)(nil)
	_ zapcore.ObjectMarshaler = (*Hook)(nil)
)
