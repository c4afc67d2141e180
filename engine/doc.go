// Package engine carries the state machine of package payment out: it claims,
// verifies, delivers, recovers and reports, against a [payment.Store], the
// configured providers and affiliates, and the sites of the running
// configuration. It imports no Caddy.
//
// No payment depends on memory: what a crash may interrupt is on record before it
// starts, and [Engine.Sweep] takes up what is due. What is kept in memory only
// (calls that are joined, limits, breakers, paused networks, bank references of the
// last day) saves work or alerts; a restart loses no payment by losing it.
//
// The order of effects is the whole point (rules 1 and 2 of money):
//
//	claim durable ──▶ ask the provider ──▶ receipt, keys, conversion in one
//	durable commit ──▶ say "paid" ──▶ delivery durable ──▶ call the shop
package engine
