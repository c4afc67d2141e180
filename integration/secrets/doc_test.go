// Package secrets_test drives every route through every way to fail and lets
// the harness look for keys, tokens, passwords and card numbers in all that
// was said and written. Every other integration test is searched as well.
package secrets_test
