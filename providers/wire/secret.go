package wire

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/internal/placeholder"
)

// redacted is what a secret looks like wherever it is printed.
const redacted = "REDACTED"

// Secret is a key or token that prints as "REDACTED". The text is behind a
// pointer, because fmt prints unexported strings inside of structs without
// asking their methods.
type Secret struct{ text *string }

// NewSecret wraps a secret text.
func NewSecret(s string) Secret { return Secret{&s} }

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

// ErrSecret is wrapped by every error about a secret in the configuration. The
// error names the field and never the value.
var ErrSecret = errors.New("is not usable")

// ResolveSecret reads a secret as it stands in the configuration, usually
// `{env.NAME}` or `{file./path}`. literal reports that it was written out,
// which deserves a warning: Caddy itself shows its configuration.
func ResolveSecret(field, raw string) (s Secret, literal bool, err error) {
	if strings.TrimSpace(raw) == "" {
		return Secret{}, false, fmt.Errorf("%s %w: it is missing; write {env.NAME} or {file./path}", field, ErrSecret)
	}
	// The replacer's own error is dropped: it may quote a part of the value.
	text, err := caddy.NewReplacer().ReplaceOrErr(raw, true, true)
	if err != nil {
		return Secret{}, false, fmt.Errorf("%s %w: its placeholder is unknown or empty%s (is the environment variable set, the file readable?)", field, ErrSecret, placeholder.Named(raw))
	}
	text = strings.TrimRight(text, "\r\n")
	switch {
	case strings.TrimSpace(text) == "":
		return Secret{}, false, fmt.Errorf("%s %w: it is empty", field, ErrSecret)
	case strings.Contains(text, "…") || strings.Trim(text, ".*") == "" || strings.HasPrefix(text, "<") && strings.HasSuffix(text, ">"):
		return Secret{}, false, fmt.Errorf("%s %w: it is what an example writes in place of a key; write your own", field, ErrSecret)
	case len(text) > maxSecret:
		return Secret{}, false, fmt.Errorf("%s %w: it is longer than %d bytes", field, ErrSecret, maxSecret)
	case strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return Secret{}, false, fmt.Errorf("%s %w: it holds a control character", field, ErrSecret)
	}
	return NewSecret(text), !strings.Contains(raw, "{"), nil
}

// Interface guards
var (
	_ fmt.Formatter  = Secret{}
	_ fmt.GoStringer = Secret{}
	_ slog.LogValuer = Secret{}
)
