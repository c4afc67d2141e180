// Package begin is the first hour: the demo shop out of the program itself, the
// sandbox alone on a port, and the first Caddyfile of a shop.
package begin
