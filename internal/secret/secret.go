// Package secret keeps keys and tokens out of logs, errors, pages and config dumps. A
// [Secret] prints as "REDACTED" whatever prints it, and [Resolve] reads one from the
// configuration with errors that never quote it.
package secret

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/payment"
)

// redacted is what a secret looks like wherever it is printed.
const redacted = "REDACTED"

// Secret is a key or token that prints as "REDACTED". The text is behind a
// pointer, because fmt prints unexported strings inside of structs without
// asking their methods.
type Secret struct{ text *string }

// New wraps a secret text.
func New(s string) Secret { return Secret{&s} }

// Reveal returns the text. It belongs into a header or body of a request to the
// party that gave the secret out, and nowhere else.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// String implements [fmt.Stringer].
func (Secret) String() string { return redacted }

// GoString implements [fmt.GoStringer].
func (Secret) GoString() string { return redacted }

// Format implements [fmt.Formatter], for the verbs that ignore String.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText implements [encoding.TextMarshaler], and with it JSON.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements [slog.LogValuer].
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// maxSecret bounds a secret: a file placeholder may point at anything.
const maxSecret = 4096

// ErrUnusable is wrapped by every error about a secret in the configuration. The
// error names the field and never the value.
var ErrUnusable = errors.New("is not usable")

// Expand fills in the placeholders of a value, usually `{env.NAME}` or `{file./path}`,
// and cuts the line breaks at the end of a file. The error names the field, and the
// environment variable if the value is nothing else.
func Expand(field, raw string) (string, error) {
	text, err := caddy.NewReplacer().ReplaceOrErr(raw, true, true)
	if err != nil {
		// The replacer's own error is dropped: it may quote a part of the value.
		return "", fmt.Errorf("%s %w: its placeholder is unknown or empty%s (is the environment variable set, the file readable?)", field, ErrUnusable, named(raw))
	}
	return strings.TrimRight(text, "\r\n"), nil
}

// plain is a value that is the name of an environment variable, as all examples write
// secrets. Anything else may hold a part of a secret, a file's path or a name in small
// letters included.
var plain = regexp.MustCompile(`^\{env\.[A-Z][A-Z0-9_]{0,63}\}$`)

// named returns ": " and the placeholder that a value consists of; "" of any other value,
// which may be a secret.
func named(value string) string {
	if !plain.MatchString(value) {
		return ""
	}
	return ": " + value
}

// Resolve reads a secret as it stands in the configuration, usually
// `{env.NAME}` or `{file./path}`. literal reports that it was written out,
// which deserves a warning: Caddy itself shows its configuration.
func Resolve(field, raw string) (s Secret, literal bool, err error) {
	if strings.TrimSpace(raw) == "" {
		return Secret{}, false, fmt.Errorf("%s %w: it is missing; write {env.NAME} or {file./path}", field, ErrUnusable)
	}
	text, err := Expand(field, raw)
	if err != nil {
		return Secret{}, false, err
	}
	switch {
	case strings.TrimSpace(text) == "":
		return Secret{}, false, fmt.Errorf("%s %w: it is empty", field, ErrUnusable)
	case strings.Contains(text, "…") || strings.Trim(text, ".*") == "" || strings.HasPrefix(text, "<") && strings.HasSuffix(text, ">"):
		return Secret{}, false, fmt.Errorf("%s %w: it is what an example writes in place of a key; write your own", field, ErrUnusable)
	case len(text) > maxSecret:
		return Secret{}, false, fmt.Errorf("%s %w: it is longer than %d bytes", field, ErrUnusable, maxSecret)
	case strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return Secret{}, false, fmt.Errorf("%s %w: it holds a control character", field, ErrUnusable)
	}
	return New(text), !strings.Contains(raw, "{"), nil
}

// AccountID tells whose account this secret opens from those of other secrets of
// the protocol, for [payment.Traits]; "" if there is no secret. Blanks
// around it don't count: they don't get as far as the provider.
func (s Secret) AccountID(protocol string) string {
	if s.text == nil {
		return ""
	}
	return payment.AccountID(protocol, *s.text)
}

// Interface guards
var (
	_ fmt.Formatter  = Secret{}
	_ fmt.GoStringer = Secret{}
	_ slog.LogValuer = Secret{}
)

// Is compares the secret with what somebody says it is, in constant time. Nothing is
// never it.
func (s Secret) Is(said string) bool {
	return said != "" && subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(said)) == 1
}
