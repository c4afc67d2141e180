// Package limit paces what strangers cause and what goes out to one host: counters
// for each client, a room where returns wait for their turn, lanes for the calls to a
// host and a breaker for each. It knows hosts, clients and times, and nothing of
// payments. Everything in it is safe for concurrent use, takes the time from its
// caller, and is bounded in memory whatever strangers send.
package limit
