// Package pgtest starts PostgreSQL for tests: clusters of their own, made by the
// system's initdb in a directory that goes away, on a free port of loopback,
// under an account that is not root.
package pgtest
