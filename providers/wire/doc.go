// Package wire has what providers and affiliates share when they call other servers: one
// careful HTTP client, a strict JSON reader, the options of every provider block, and the
// handling of secrets.
//
// It promises that whatever arrives becomes a [Reply], and that a Reply which can't be
// believed is an unknown outcome, never a "no".
package wire
