// Package wire is what providers and affiliates share to talk to the outside:
// one careful HTTP client, a JSON reader that takes what real gateways send and
// nothing that could be read in two ways, the options that every provider
// block has, and the handling of secrets.
//
// The rule behind all of it: whatever arrives on the wire becomes a [Reply],
// and a Reply that cannot be believed is an unknown outcome, never a "no".
package wire
