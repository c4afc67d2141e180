// Package watch remembers what this process has seen lately: how each provider and shop
// answered, which payments wait for a person or for an answer, and how the ledger is.
// Doctor, status and the metrics read it.
//
// It may be forgotten at any time; of providers that are down, an app may keep [Watch.Down]
// for the [Watch.Recall] of the next process. The ledger has the payments, and the next payment
// shows again how providers and shops answer.
package watch
