// Package explain turns a payment's record into what a person needs to decide:
// whether the money is there, one sentence why the payment stands where it
// stands, until when something must be done, and what each decision does. It is
// pure, and speaks Persian and English.
package explain
