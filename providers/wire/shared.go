package wire

import (
	"github.com/rahgir/caddy-payments/internal/secret"
	"github.com/rahgir/caddy-payments/internal/strictjson"
)

// The reader of JSON and the secrets are internal to this module, because storage and
// handlers use them as well. Authors of providers, in other modules too, reach them
// by these names.

// Object is a provider's JSON object. A nil Object is empty; all getters work on it.
// Names are compared exactly.
type Object = strictjson.Object

// Secret is a key or token that prints as "REDACTED".
type Secret = secret.Secret

var (
	// ErrSecret is wrapped by every error about a secret in the configuration.
	ErrSecret = secret.ErrUnusable
	// Tehran is the zone of provider times that name none.
	Tehran = strictjson.Tehran
)

// ParseObject reads a body that must be one JSON object, perhaps after a byte order
// mark. What two readers could understand in two ways is refused.
func ParseObject(body []byte) (Object, error) { return strictjson.Parse(body) }

// NewSecret wraps a secret text.
func NewSecret(s string) Secret { return secret.New(s) }

// ResolveSecret reads a secret as it stands in the configuration, usually
// `{env.NAME}` or `{file./path}`. literal reports that it was written out, which
// deserves a warning: Caddy itself shows its configuration.
func ResolveSecret(field, raw string) (s Secret, literal bool, err error) {
	return secret.Resolve(field, raw)
}
