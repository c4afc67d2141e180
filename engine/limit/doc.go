// Package limit bounds what strangers can cause and what goes out to one host. It has
// counters for each client, a queue for returns that wait for their turn, lanes for the
// calls to a host, and a circuit breaker for each host. It knows hosts, clients and
// times, and nothing about payments.
//
// Everything in it is safe for concurrent use and takes the time from its caller. It
// promises that its memory is bounded whatever strangers send.
package limit
