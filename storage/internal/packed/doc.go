// Package packed is how the stores write a payment: bytes that every version
// reads, a third of what JSON takes, the same in every store, so that a ledger
// moves from one to another without being translated.
package packed
