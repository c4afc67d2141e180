// Package payments is a Caddy module that confirms every payment with the payment
// provider, server to server, before the shop hears of it.
//
// It captures an affiliate network's track_id, starts payments for sites without a
// backend, and intercepts the customer's return from the bank. It asks the provider, and
// only then passes the request to the shop, with headers that nobody else can set.
// Afterwards it reports the conversion to the affiliate network.
//
// This package imports every module of the project and registers the Caddyfile's blocks,
// so it is enough to build Caddy with it. The app is in app/, the Caddyfile's blocks are
// parsed in caddyfile/.
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
