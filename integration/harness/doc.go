// Package harness starts the real thing for tests: Caddy as a process of its
// own with a Caddyfile of the test's, the sandbox as the provider, and a shop
// behind it. Everything listens on loopback, on free ports, in a directory that
// goes away with the test.
package harness
