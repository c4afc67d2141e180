// Package examples is the demo shop and the helpers for PHP, as files inside of the
// program: `caddy payments demo` and `init` need no checkout.
package examples

import "embed"

// Demo is what examples/Caddyfile needs: itself, the shop and the make-believe keys.
//
//go:embed Caddyfile shop demo-secrets
var Demo embed.FS

// PHP are the helpers for a PHP shop.
//
//go:embed php/payment-announce.php php/payment-receipt.php php/payment-key.php
var PHP embed.FS
