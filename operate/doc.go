// Package operate does what the admin API, the command and the dashboard have in common:
// it finds payments, shows them without secrets, and carries out a person's decision.
//
// It promises that a decision is carried out once, and only if the payment is still in
// the version that the person saw.
package operate
