// Package simulation lives the real engine in simulated worlds, to find out
// whether a paid order can be lost or credited twice.
//
// It holds nothing but tests. The packages engine and payment run as they are;
// simulated is what stands around them: the clocks of the nodes, the network,
// the provider with its window, refunds, "already verified" and receipts from
// before, the shop (naive or deduping), the affiliate network, the customers and
// the ledger, of which a power cut takes any part of the tail that was not
// synced.
//
// # How a world goes
//
// A world is made from a seed: a provider's shape, live or for tests, under one
// name or two, at one account or two, how prices are known, the
// site's policy, one node on an embedded store or two on a joined one, a few
// customers, a few kinds of faults and how often they strike. Every actor is a
// goroutine in a [testing/synctest] bubble. Each call that leaves the engine
// (store, provider, shop, network, clock) waits until the conductor lets it
// happen; the conductor waits until nothing moves, takes what has arrived by
// name, draws a time for each, and lets the earliest happen. So a seed decides
// everything, and a trace can be lived again to the byte, on any number of cores.
//
// After some minutes all is well again: no fault strikes, every node runs, clocks
// are right. The world goes on until nothing is due any more; then the shop's
// owner, who knows what happened, decides all that waits for a person.
//
// # What is checked
//
// At every change and every call, by the names of the project's invariants:
//
//	INV1  an order and a receipt are credited once
//	INV2  what is credited was verified at the provider, for this order and sum
//	INV3  what was taken is credited, or waits for a person who was told (at the end)
//	INV4  a conversion is of a delivered payment, each try on record, none forgotten
//	INV5  what could be asked for in time is verified inside the window
//	INV6  no byte goes to the provider's verify before the claim is durable
//	INV7  states move along the table, one step a commit; what was known stays
//	INV8  what nothing explains causes no call and no write
//	INV9  one verify of a payment is in flight
//
// and rules 2, 3, 4, 5, 7, 10 and 11 of money where they say more. INV8 for
// malformed returns and for limits, and INV10 (no secret in any log, page or
// record) are checked where requests are read: in the handlers' and integration
// tests.
//
// What a world takes for granted: opening an embedded store makes durable what it
// finds; a shop does not call an order unpaid while it credits it; a clock is not
// set by more than the skew between the beginning of a ledger's generation and an
// answer whose time is compared with it; INV5 asks nothing of nodes whose clocks
// were wrong; and a ledger that was lost or put
// back cannot know that an order was paid, so that a second id which was really
// paid for it is credited, too (a receipt never is).
//
// # Shops that ask for themselves
//
// Beside those worlds there are some whose shop has a plugin of its own behind the relay
// ([plugin]): it gives up after a while, reads half, dies when it has heard "first" or
// credited, asks twice, asks from a job, asks another node, reverses on silence, needs its
// customer's session, trusts the browser, or is down when its return is made. "First" is heard once; nothing is settled
// that the shop didn't ask for; where nothing went wrong what was paid is credited; and
// what was taken is credited, given back, or waits for a person who was told. In some of them
// calls pass while the ledger is away ([forwarding]); in some a `verify` route takes the
// returns, so that we settle and hand over, and the plugin asks meanwhile ([settling]).
//
//	go test ./engine/simulation -run TestPlugins -seeds 100000
//
// # Walking through small worlds
//
// Beside the worlds of seeds there are small ones that are walked through: one
// payment, up to three returns of it, two nodes on one ledger (or one on an
// embedded one), up to two crashes, every answer of a provider, naive and deduping
// shops. The same engine and the same conductor; but nothing is drawn. Whatever
// could be otherwise is a choice out of a few: who goes on, where a process dies
// and what of the unsynced is lost, when it is back, what the answer is and
// whether it arrives. The walks take all sequences of choices, depth first.
//
// Steps take no time: it passes when nobody can go on. What only one actor can tell
// happens at once; read and write of the ledger, arrival at provider, shop and
// network are what is put in order. A walk ends where an earlier one was: the state
// is what lies outside the engines, what is under way, and what each actor has been
// through. What is left of the bounds belongs to it. A tour ([tour]) names its
// bounds: crashes, troubles (an answer other than the plain one), switches (an
// actor is overtaken though it could go on; without bound, it is every order) and
// lags (the clock goes on though somebody could).
//
// What a walk takes for granted: timers that end at the same time wake in one
// order; a process comes back after 0.1 s or 30 s; no clock is wrong.
//
// # Over the real ledger
//
// The simulated ledger has no writer, no queue and no disk. So a few worlds are
// lived over the embedded store itself as well, with crowds of unrelated commits
// beside them: both must answer the same, and the engine lives with what the real
// one says.
//
// # Running it
//
//	go test ./engine/simulation                                  a few thousand seeds
//	go test ./engine/simulation -run Simulation -seeds 1000000   as many as wished
//	go test ./engine/simulation -run Simulation -seed 7          one, with its trace
//
//	go test ./engine/simulation -run Walk -walk usual            small worlds, exhaustively
//
// A failing seed is printed with the fewest customers and faults with which it
// still fails, its trace, and the command that lives it again.
package simulation
