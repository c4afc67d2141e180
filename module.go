// Package payments is a payment front door for shops, as a Caddy module. It
// captures an affiliate network's track_id, starts payments for sites without
// a backend, intercepts the customer's return from the bank, verifies with the
// payment provider server to server, and only then lets the request reach the
// storefront, with headers that nobody else can set; then it reports the
// conversion.
//
// This package imports every module of the project and registers the Caddyfile's
// blocks, so that building Caddy with it is enough. The app is in app/, the grammar of
// the Caddyfile in caddyfile/.
package payments

import (
	// The modules that the app can be made of.
	_ "github.com/rahgir/caddy-payments/admin"
	_ "github.com/rahgir/caddy-payments/affiliates/hamekar"
	_ "github.com/rahgir/caddy-payments/affiliates/postback"
	_ "github.com/rahgir/caddy-payments/app"
	_ "github.com/rahgir/caddy-payments/handlers"
	_ "github.com/rahgir/caddy-payments/handlers/dashboard"
	_ "github.com/rahgir/caddy-payments/handlers/relay"
	_ "github.com/rahgir/caddy-payments/providers/idpay"
	_ "github.com/rahgir/caddy-payments/providers/invoice"
	_ "github.com/rahgir/caddy-payments/providers/nextpay"
	_ "github.com/rahgir/caddy-payments/providers/payping"
	_ "github.com/rahgir/caddy-payments/providers/sama"
	_ "github.com/rahgir/caddy-payments/providers/vandar"
	_ "github.com/rahgir/caddy-payments/providers/zarinpal"
	_ "github.com/rahgir/caddy-payments/providers/zibal"
	_ "github.com/rahgir/caddy-payments/sandbox"
	_ "github.com/rahgir/caddy-payments/storage/badger"
	_ "github.com/rahgir/caddy-payments/storage/postgres"
)
