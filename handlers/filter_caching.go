package handlers

import (
	"net/http"

	"github.com/rahgir/caddy-payments/internal/caching"
)

// What answers about one person say to caches, at least.
const (
	// forBrowser: a page that sets a cookie may stay in its browser's own cache.
	forBrowser = "private"
	// forNobody: paid content, and what is said about a payment.
	forNobody = "private, no-store"
)

// privately keeps an answer about one person out of every cache but, with
// [forBrowser], the browser's own.
func privately(h http.Header, least string) { caching.Private(h, least) }
