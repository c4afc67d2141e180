// Package payment is the ground floor: what a payment is, which states it may
// be in, what leads from one to the next, and the contracts that providers,
// affiliates and stores fulfil. It imports no Caddy, starts no goroutine and
// does no I/O, so that every rule of money in it can be tested, simulated and
// read on its own.
//
// # States
//
//	created ──▶ verifying ──▶ verified ──▶ delivering ──▶ delivered
//	            │  ▲  ▲          ▲             │
//	            ▼  │  └─ declined│(not sent)   ▼
//	          unknown            └──────── parked          review · expired · reversed
//
// The table is in [Step]; what an answer of a provider means for a record is
// in [Decide]. Amounts are whole rials everywhere ([Rials]); a provider that
// speaks toman converts at its own edge.
//
// # Names
//
// An issuer is protocol + API host + environment: who gives out receipts. A
// receipt is unique by issuer and id, whatever name a configuration gives the
// provider, so that renaming one cannot spend a receipt again.
package payment
