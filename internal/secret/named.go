package secret

import "regexp"

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
