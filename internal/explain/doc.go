// Package explain turns a payment's record into what a person needs in order to decide:
// whether the money is there, one sentence on why the payment is in its state, how long
// there is time, and what each decision does.
//
// It is pure, and writes Persian and English.
package explain
