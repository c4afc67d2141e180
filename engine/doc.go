// Package engine carries the state machine of package payment out: it claims,
// verifies, delivers, recovers and reports, against a [payment.Store], the
// configured providers and affiliates, and the sites of the running
// configuration. It imports no Caddy.
//
// Nothing in it is remembered in memory only: what a crash may interrupt is on
// record before it starts, and [Engine.Sweep] takes up whatever is due. The
// in-process parts (singleflight, limits, breakers) only save work; losing
// them loses nothing.
//
// The order of effects is the whole point (rules 1 and 2 of money):
//
//	claim durable ──▶ ask the provider ──▶ receipt, keys, conversion in one
//	durable commit ──▶ say "paid" ──▶ delivery durable ──▶ call the shop
package engine
