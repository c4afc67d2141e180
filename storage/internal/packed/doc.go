// Package packed is the binary form in which all stores keep a payment. It takes a third
// of the room of JSON. Every version reads what earlier ones wrote, and the form is the
// same in every store, so a ledger moves to another store without translation.
package packed
