package main

import "runtime/debug"

// version returns what `caddy version` prints before Caddy's own version: this module's,
// which Go stamps from the checkout (a tag, or a commit's time and hash). `go run`
// has none.
func version() string {
	ours := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		ours = info.Main.Version
	}
	return "caddy-payments " + ours + ", Caddy"
}
