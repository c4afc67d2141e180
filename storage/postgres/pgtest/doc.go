// Package pgtest starts PostgreSQL for tests: clusters in temporary directories, made by
// the system's initdb, on free ports of the loopback address, under an account that is
// not root.
package pgtest
