// Package begin has the commands for a first trial: `demo` runs a shop out of the
// program itself, `sandbox` runs the gateways' sandbox on a port, and `init` writes a
// first Caddyfile. Nothing in it touches a real gateway.
package begin
