// Package app is the Caddy app `payments`. It opens the ledger, holds the providers,
// affiliates and keys that all sites share, runs the worker, and reports what happens:
// logs, metrics, events, health and the doctor.
//
// Sites use it through handlers.App; the admin API and the dashboard use it through
// operate.App. It promises that a reload loses no payment under way, and that the ledger
// is closed only after everything that uses it has ended.
package app
