// Package reconcile compares the ledger with a provider's own list of payments, and
// names and explains each difference. It changes nothing and asks nobody.
package reconcile
