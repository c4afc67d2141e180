// Package app is the payments app of Caddy: it opens the ledger, holds the providers,
// the affiliates and the keys that all sites share, runs the worker, and tells the
// outside what happens (logs, metrics, events, health, the doctor). Sites reach it
// through handlers.App, the admin API and the dashboard through operate.App.
package app
