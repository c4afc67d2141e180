package wire

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/rahgir/caddy-payments/internal/quote"
	"github.com/rahgir/caddy-payments/payment"
)

// DefaultTimeout is how long one whole call may take: connecting, sending, and reading
// headers and body.
const DefaultTimeout = payment.DefaultTimeout

// maxTimeout keeps a typing mistake such as "8h" from delaying payments.
const maxTimeout = 2 * time.Minute

// Config has the options of every provider and affiliate.
type Config struct {
	// The scheme, host and path prefix of the API, such as
	// `http://localhost:9101/idpay` for the sandbox. Plain `http` is accepted only for
	// loopback hosts, unless `insecure_http` is set. It may be a placeholder such as
	// `{env.NAME}`. Default: the address in the provider's document.
	BaseURL string `json:"base_url,omitempty"`

	// How long one whole call may take: connecting, sending, and reading headers and body.
	// At most `2m`. Default: `8s`.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// The proxy through which to call, such as `http://10.0.0.5:3128` or
	// `socks5://10.0.0.5:1080`, for hosts that accept only Iranian addresses. It may be a
	// placeholder. Proxies in the process's environment are ignored. Default: none.
	ProxyURL string `json:"proxy_url,omitempty"`

	// The DNS server that is asked for the address of the API's host, such as `1.1.1.1` or
	// `10.0.0.2:53`, in place of the system's resolver, which reads the hosts file first.
	// You need it if a relay takes the provider's place, because the hosts file leads to
	// this machine then. An answer that leads to this machine is refused. Default: the
	// system's resolver.
	Resolver string `json:"resolver,omitempty"`

	// Allow plain `http` to any host. The secrets of this block then cross the network
	// unencrypted. Default: false.
	InsecureHTTP bool `json:"insecure_http,omitempty"`

	// elsewhere is the address that replaces the documented one.
	elsewhere string
}

// ProviderConfig has the options of every provider.
type ProviderConfig struct {
	Config

	// The scheme, host and path prefix of the pay page, if they differ from the API's. It
	// may be a placeholder. Default: `base_url` if that is set, else the address in the
	// provider's document.
	PayURL string `json:"pay_url,omitempty"`

	// Keys that the same account had before, if its key was changed. Payments that were
	// begun with them are asked about and refunded with the present key. Each may be a
	// placeholder. Without this a key that was changed is another account, about whose
	// payments nobody is asked. Default: none.
	Formerly []string `json:"formerly,omitempty"`

	opened
}

// Base resolves base_url, or fallback if it is not set. An empty fallback makes the option
// required.
func (c *Config) Base(fallback string) (Base, error) {
	b, err := resolveBase("base_url", c.BaseURL, fallback, c.InsecureHTTP)
	c.elsewhere = ""
	if own, ownErr := ParseBase("base_url", fallback, true); err == nil && fallback != "" && ownErr == nil && own.LogString() != b.LogString() {
		c.elsewhere = b.LogString()
	}
	return b, err
}

// Beside returns the address of another API of the same gateway: base_url where it is set,
// else the documented one.
func (c *Config) Beside(documented string) (Base, error) {
	return resolveBase("base_url", c.BaseURL, documented, c.InsecureHTTP)
}

// Elsewhere returns the address that base_url gives in place of the one in the
// provider's document; empty if that one is used, or there is none.
func (c *Config) Elsewhere() string { return c.elsewhere }

// PayBase resolves pay_url: by itself, else base_url, else fallback.
func (c *ProviderConfig) PayBase(fallback string) (Base, error) {
	if c.PayURL != "" {
		return resolveBase("pay_url", c.PayURL, "", c.InsecureHTTP)
	}
	return resolveBase("base_url", c.BaseURL, fallback, c.InsecureHTTP)
}

// PagesAt returns the pay pages below [ProviderConfig.PayBase], and below the gateway's other
// hosts where the configuration names no address: see [PagesAt].
func (c *ProviderConfig) PagesAt(fallback string, others []string, paths ...string) (Pages, error) {
	pay, err := c.PayBase(fallback)
	if err != nil {
		return nil, err
	}
	hosts := []string{pay.LogString()}
	if c.PayURL == "" && c.BaseURL == "" {
		hosts = append(hosts, others...)
	}
	return PagesAt(hosts, paths...)
}

func resolveBase(field, raw, fallback string, plain bool) (Base, error) {
	if raw = cmp.Or(raw, fallback); raw == "" {
		return Base{}, fmt.Errorf("%s %w: it is required", field, ErrAddress)
	}
	return ParseBase(field, Expand(raw), plain)
}

// Expand replaces Caddy's own placeholders and leaves others, such as `{authority}`, as they
// are. Use it for configuration only: with a value from a request it would read files for
// strangers.
func Expand(raw string) string { return caddy.NewReplacer().ReplaceKnown(raw, "") }

// Client makes the HTTP client of this block.
func (c *Config) Client() (*Client, error) {
	timeout := c.CallTimeout()
	if timeout < 0 || timeout > maxTimeout {
		return nil, fmt.Errorf("timeout must be between 0 and %s", maxTimeout)
	}
	proxy, err := c.proxy()
	if err != nil {
		return nil, err
	}
	client := NewClient(timeout, proxy)
	client.patience = c.RelayTimeout()
	if c.Resolver == "" {
		return client, nil
	}
	server, err := parseResolver(c.Resolver)
	if err != nil {
		return nil, err
	}
	if proxy != nil {
		return nil, fmt.Errorf("resolver %w: with proxy_url the proxy finds the address; leave one of them out", ErrAddress)
	}
	client.transport.DialContext = metered(newResolver(server, &net.Dialer{Timeout: timeout, KeepAlive: 15 * time.Second}).dial)
	return client, nil
}

// CallTimeout returns how long one call may take in all.
func (c *Config) CallTimeout() time.Duration {
	return cmp.Or(time.Duration(c.Timeout), DefaultTimeout)
}

// RelayTimeout implements [payment.Patient]: what is written holds for a shop's calls, too.
func (c *Config) RelayTimeout() time.Duration {
	if c.Timeout == 0 {
		return payment.RelayPatience
	}
	return time.Duration(c.Timeout)
}

func (c *Config) proxy() (*url.URL, error) {
	if c.ProxyURL == "" {
		return nil, nil
	}
	// Neither the address nor the parser's error is shown, because a proxy's address may
	// contain a password.
	u, err := url.Parse(Expand(c.ProxyURL))
	if err != nil || u.Hostname() == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) {
		return nil, fmt.Errorf("proxy_url %w: write http://host:port or socks5://host:port", ErrAddress)
	}
	return u, nil
}

// LogFields adds the values of the block that logs may show. Secrets and the proxy's address
// are left out.
func (c *Config) LogFields(enc zapcore.ObjectEncoder) {
	enc.AddDuration("timeout", c.CallTimeout())
	enc.AddBool("proxied", c.ProxyURL != "")
	enc.AddBool("insecure_http", c.InsecureHTTP)
}

// Required resolves a required secret of a block. It warns if the secret is written out,
// because Caddy shows its configuration on the admin endpoint, in `adapt` and in the
// autosaved file.
func Required(ctx caddy.Context, field, raw string) (Secret, error) {
	s, literal, err := ResolveSecret(field, raw)
	if err != nil {
		return Secret{}, err
	}
	if literal {
		ctx.Logger().Warn(field+" is written out in the configuration, which Caddy shows on its admin endpoint and saves to disk; write {env.NAME} or {file./path} instead",
			zap.String("field", field))
	}
	return s, nil
}

// OneOf checks an option that must be one of several words.
func OneOf(field, got string, words ...string) error {
	if got == "" || slices.Contains(words, got) {
		return nil
	}
	return fmt.Errorf("%s must be %s%s", field, strings.Join(words, " or "), quote.Not(got, words...))
}
