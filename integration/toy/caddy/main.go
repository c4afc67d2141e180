// Command caddy is Caddy with the payments module, and with a gateway of somebody
// else's: one import line.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/rahgir/caddy-payments"
	_ "github.com/rahgir/caddy-payments/integration/toy"
)

func main() { caddycmd.Main() }
