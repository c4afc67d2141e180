// Command caddy is Caddy with the payments module built in. It is what
// `xcaddy build --with github.com/rahgir/caddy-payments` makes; keeping it here
// lets `go run ./cmd/caddy` try the module with nothing but Go installed.
package main

import (
	_ "time/tzdata"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/rahgir/caddy-payments"
)

func main() {
	if caddy.CustomVersion == "" { // -ldflags "-X …/caddy/v2.CustomVersion=…" goes first
		caddy.CustomVersion = version()
	}
	caddycmd.Main()
}
