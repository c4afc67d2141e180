// Package handlers is the site handler `http.handlers.payments`: the guard that every
// request of a site passes, and the routes for tracks, checkouts, returns, paid content,
// observed shops and relays. It uses the engine through [App], which the payments app
// implements.
//
// It promises that no request reaches the shop with an X-Payment header that a client
// wrote, and that a shop hears `verified` only of a payment that the ledger calls
// verified.
//
// One handler serves all routes of a site. Each further route in Caddy's own list would
// slow down every other request of the site, so a prefilter that allocates nothing picks
// the few requests that concern payments.
//
// # Where to look
//
//	handler.go    ServeHTTP: the order in which routes are tried
//	guard.go      which headers are removed
//	return*.go    a customer comes back from the bank
//	checkout*.go  a customer presses Pay
//	require*.go   paid content
//	announce*.go  the shop's answers that start a payment
//	track.go      an affiliate's visitor arrives
//	sites*.go     which shop a request belongs to
//	findings*.go  mistakes in the configuration that `doctor` reports
package handlers
