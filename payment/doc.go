// Package payment defines what a payment is, which states it may be in, what leads from
// one state to the next, and the contracts of providers, affiliates and stores.
//
// It imports no Caddy, starts no goroutine and does no I/O, so every rule of money in it
// can be tested and read by itself.
//
// # States
//
//	created ──▶ verifying ──▶ verified ──▶ delivering ──▶ delivered
//	            │  ▲  ▲          ▲             │
//	            ▼  │  └─ declined│(not sent)   ▼
//	          unknown            └──────── parked          review · expired · reversed
//
// [Step] has the table. [Decide] says what a provider's answer means for a record. All
// amounts are whole rials ([Rials]); a provider that counts in toman converts in its own
// package.
//
// # Contracts
//
// A gateway implements [Provider] and whichever of the small interfaces its document
// allows: [Creator], [Inquirer], [Lister], [Refunder], [Reverser], [Relayer], [Timed],
// [UsedIDs]. An affiliate or a webhook implements [Reporter]. A ledger implements [Store];
// the package storagetest checks it.
//
// # Issuers
//
// An issuer is protocol, account and environment: who gives out receipts ([Issuer]). A
// receipt is unique by issuer and id, so no used receipt becomes new when somebody renames
// a provider or changes its address in the configuration.
package payment
