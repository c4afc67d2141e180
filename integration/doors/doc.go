// Package doors lives small worlds in front of a real Caddy, in this process:
// a configuration is drawn, and so are the requests of honest customers and of
// an attacker. An oracle, which knows only who paid what where, says when
// something paid-for is served unpaid, when a shop is told "verified" of what
// isn't its own, when two shops mix, when a return passes in silence, when an
// answer about one person may be kept by a shared cache, when a stranger learns
// whether an order exists, and when a paid customer ends without order, retry or
// person. Some shops have a plugin that starts and verifies by itself through the
// relay, behind an observe route or without one: a plugin never hears "first" of what
// isn't its own, nor twice of one payment. Others have a plugin that asks the gateway
// beside us and is only observed: its customers' requests reach it as they were sent. In
// some worlds the ledger refuses for a while, in six ways: nobody is asked about, or sent to
// pay, what isn't on record, and whoever has paid has an order, a retry or a person once
// it is back. The simulation of the engine (engine/simulation) looks at the rules of
// money; this one looks at what surrounds them.
//
//	go test ./integration/doors                          # some hundred worlds
//	go test ./integration/doors -run TestDoors -for 2h   # as many as fit
//	go test ./integration/doors -run TestDoors -first 4711 -seeds 1 -v
//
// A world is its seed. One that fails is made smaller as long as it fails in the
// same way, and printed as a Caddyfile and curl lines.
//
// The oracle is written from the documentation, never from the handlers' code,
// so that one misreading can't hide in both.
package doors
