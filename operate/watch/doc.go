// Package watch remembers what a process has seen lately: how each provider and
// each shop has answered, which payments wait for a person or for an answer, and
// how the ledger is. Doctor, status and the metrics read it.
//
// Forgetting it loses nothing: the ledger has the payments, and what providers and
// shops answer is seen again with the next payment.
package watch
