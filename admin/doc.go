// Package admin is the operating side: routes under /payments/ on Caddy's admin
// endpoint, and the `caddy payments` command that talks to them.
package admin
