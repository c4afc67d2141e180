// Package admin lets operators and programs use the ledger: it serves /payments/ on
// Caddy's admin endpoint, and the `caddy payments` command calls those routes.
//
// It promises that a route changes nothing unless its method is POST, that unknown
// parameters are refused, and that no answer contains a secret.
package admin
